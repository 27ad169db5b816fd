import { cleanup, render, screen } from '@testing-library/svelte';
import { afterEach, expect, test, vi } from 'vitest';
import { api, type MapView } from '$lib/api';
import { peers } from '$lib/state/peers.svelte';
import { peer, settle } from '../testing/fixtures';
import Peers from './Peers.svelte';

afterEach(() => {
  cleanup();
  peers.clear();
  vi.restoreAllMocks();
});

const office = { id: 'o-kita', name: '北支所' };
const map: MapView = {
  nodes: [
    {
      node: 'n-hq',
      name: '',
      office: { id: 'o-hq', name: '本庁' },
      headquarters: true,
      this: true,
      reachable: true,
      reported_at: null,
    },
    {
      node: 'n-kita',
      name: '',
      office,
      headquarters: false,
      this: false,
      reachable: false,
      reported_at: null,
    },
  ],
  lines: [
    {
      a: 'n-hq',
      b: 'n-kita',
      state: 'down',
      transport: null,
      rtt: 'unknown',
      since: '2026-11-22T09:00:00+09:00',
      old: false,
    },
  ],
};

async function show() {
  const away = peer({
    node: 'n-kita',
    office,
    headquarters: false,
    state: 'unreachable',
    transport: null,
    since: new Date(Date.now() - 3 * 3_600_000 - 120_000).toISOString(),
    missing_there: 12,
    waiting: [
      { class: 'urgent', here_entries: 0, there_entries: 1, bytes: 500 },
      { class: 'newest', here_entries: 3, there_entries: 11, bytes: 7_000 },
    ],
    alarms: [{ code: 'unreachable', text: 'つながりません。電源を確かめてください。', since: null }],
  });
  vi.spyOn(api.peers, 'list').mockResolvedValue([away]);
  vi.spyOn(api.peers, 'map').mockResolvedValue(map);
  vi.spyOn(api.peers, 'cuts').mockResolvedValue({
    items: [
      {
        node: 'n-kita',
        name: '',
        office,
        from: '2026-11-22T00:00:00Z',
        until: '2026-11-22T03:00:00Z',
        reason: 'lost',
      },
    ],
    next: null,
  });
  render(Peers);
  await settle();
}

test('first a sentence, then the picture, then the list with what to do, then the history', async () => {
  await show();
  expect(screen.getByTestId('peers-summary').textContent).toContain(
    '北支所と 3 時間つながっていません。未達 12 件。',
  );
  expect(screen.getByRole('img').getAttribute('aria-label')).toContain('2 拠点');
  expect(screen.getByTestId('peer-alarms').textContent).toContain('電源を確かめてください');
  const waiting = screen.getByTestId('peer-waiting').textContent;
  expect(waiting).toContain('受信待ち 3、送信待ち 11');
  expect(waiting).toContain('今は進んでいません');
  expect(screen.getByTestId('cuts').textContent).toContain('3 時間');
  expect(screen.getByTestId('cuts').textContent).toContain('回線が途切れた');
});
