import { expect, test } from 'vitest';
import type { MapLine, MapNode, MapView, Peer } from '$lib/api/types';
import { peer } from '../../testing/fixtures';
import { diagramOf } from './diagram';
import { officesOf } from './offices';
import { sentenceOf, spanWords } from './sentence';

const NOW = Date.parse('2026-11-22T12:00:00+09:00');
const HQ = { id: 'o-hq', name: '本庁' };
const branch = (n: number) => ({ id: `o-${n}`, name: `第${n}支所` });

const node = (over: Partial<MapNode>): MapNode => ({
  node: 'n-hq',
  name: '',
  office: HQ,
  headquarters: false,
  this: false,
  reachable: true,
  reported_at: null,
  ...over,
});
const line = (a: string, b: string, over: Partial<MapLine> = {}): MapLine => ({
  a,
  b,
  state: 'up',
  transport: 'quic',
  rtt: 'near',
  since: '2026-11-22T08:00:00+09:00',
  old: false,
  ...over,
});

/** This node is that of headquarters, with lines to `count` offices. */
function city(count: number, over: (n: number) => Partial<Peer> = () => ({})) {
  const numbers = Array.from({ length: count }, (_, i) => i + 1);
  const peers = numbers.map((n) =>
    peer({ node: `n-${n}`, office: branch(n), headquarters: false, ...over(n) }),
  );
  const map: MapView = {
    nodes: [
      node({ headquarters: true, this: true }),
      ...peers.map((one, i) =>
        node({ node: one.node, office: branch(i + 1), reachable: one.state === 'connected' }),
      ),
    ],
    lines: peers.map((one) =>
      line('n-hq', one.node, one.state === 'connected' ? {} : { state: 'down', old: true }),
    ),
  };
  return { peers, map, offices: officesOf(peers, map) };
}

const lost = (missing_there: number, since = '2026-11-22T08:50:00+09:00'): Partial<Peer> => ({
  state: 'unreachable',
  since,
  missing_there,
});

test('all there: one short sentence', () => {
  const words = sentenceOf(city(5).offices, NOW);
  expect(words).toEqual({ tone: 'good', main: '全 5 拠点とつながっています。', more: [] });
});

test('the office that is missing is named with how long and how much', () => {
  const { offices } = city(5, (n) => (n === 2 ? lost(12) : {}));
  const words = sentenceOf(offices, NOW);
  expect(words.main).toBe('第2支所と 3 時間つながっていません。未達 12 件。');
  expect(words.more).toEqual(['4 拠点とはつながっています。']);
});

test('of many the weightiest are named, and the rest counted', () => {
  const { offices } = city(6, (n) => lost(n));
  const words = sentenceOf(offices, NOW);
  expect(words.main).toContain('第6支所');
  expect(words.more).toEqual([
    '第5支所と 3 時間つながっていません。未達 5 件。',
    '第4支所と 3 時間つながっていません。未達 4 件。',
    'ほかに 3 拠点とつながっていません。',
    'この拠点は、どこともつながっていません。拠点の中では使えます。',
  ]);
});

test('an office that is reached over another one is not missing', () => {
  const { peers, map } = city(3, (n) => (n === 3 ? lost(0) : {}));
  const way = { ...map, nodes: map.nodes.map((one) => ({ ...one, reachable: true })) };
  const words = sentenceOf(officesOf(peers, way), NOW);
  expect(words).toMatchObject({ tone: 'good', main: '全 3 拠点とつながっています。' });
  expect(words.more).toEqual(['うち 1 拠点とは、他の拠点を経由してやり取りしています。']);
});

test('an office with two nodes is there while one of them is', () => {
  const peers = [
    peer({ node: 'a', office: branch(1), headquarters: false, missing_there: 0 }),
    peer({ node: 'b', office: branch(1), headquarters: false, ...lost(9) }),
  ];
  expect(officesOf(peers, null)).toMatchObject([{ reach: 'direct', missingThere: 0, nodes: ['a', 'b'] }]);
});

test('never connected, and nobody at all', () => {
  const never = peer({ office: branch(1), headquarters: false, state: 'unreachable', since: null });
  expect(sentenceOf(officesOf([never], null), NOW).main).toBe('第1支所とは、まだ一度もつながっていません。');
  expect(sentenceOf([], NOW).tone).toBe('quiet');
});

test('lengths of time are in one unit', () => {
  const spans = [-5, 0, 59, 60, 3599, 3600, 47 * 3600, 48 * 3600, 86_400 * 9].map(spanWords);
  expect(spans).toEqual(['0 秒', '0 秒', '59 秒', '1 分', '59 分', '1 時間', '47 時間', '2 日', '9 日']);
});

test.each([1, 5, 14, 15, 100, 300])(
  'with %i offices every name has its own place inside the picture',
  (count) => {
    const { offices, map } = city(count);
    const { spots, width, height, font, wires } = diagramOf(offices, map);
    expect(spots).toHaveLength(count + 1);
    expect(wires).toHaveLength(count);
    for (const { x, y } of spots) {
      expect(x).toBeGreaterThan(0);
      expect(x).toBeLessThan(width);
      expect(y).toBeGreaterThan(0);
      expect(y).toBeLessThan(height);
    }
    const ring = spots.slice(1);
    for (const [i, a] of ring.entries())
      for (const b of ring.slice(i + 1))
        expect(Math.hypot(a.label.x - b.label.x, a.label.y - b.label.y)).toBeGreaterThan(font);
  },
);

test('names on the left side are not upside down', () => {
  const { offices, map } = city(40);
  for (const { label } of diagramOf(offices, map).spots) {
    const turn = ((label.turn % 360) + 360) % 360;
    expect(turn <= 90.01 || turn >= 269.99, String(turn)).toBe(true);
  }
});

test('of several lines between two offices the best is drawn, once', () => {
  const { offices, map } = city(1);
  const lines = [
    line('n-hq', 'n-1', { state: 'down' }),
    line('n-1', 'n-hq', { transport: 'tcp' }),
    line('n-hq', 'n-gone'),
    line('n-hq', 'n-hq'),
  ];
  const { wires } = diagramOf(offices, { ...map, lines });
  expect(wires.map((wire) => [wire.line.state, wire.line.transport])).toEqual([['up', 'tcp']]);
});
