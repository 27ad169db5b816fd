import { afterEach, describe, expect, test } from 'vitest';
import type { Headquarters } from '$lib/api/types';
import { language } from '$lib/i18n';
import { linkWords, type LinkFacts } from './link-words';

const NOW = Date.parse('2026-11-22T09:00:00+09:00');
const hq = (over: Partial<Headquarters> = {}): Headquarters => ({
  is_self: false,
  office: '本庁',
  reachable: true,
  since: '2026-11-22T08:20:00+09:00',
  missing_here: 0,
  missing_there: 0,
  ...over,
});
const words = (over: Partial<LinkFacts> = {}) => {
  const found = linkWords({
    hq: hq(),
    known: true,
    reached: true,
    lostSince: null,
    peers: { connected: 3, count: 4, missingHere: 0, missingThere: 0 },
    waiting: 0,
    failed: 0,
    now: NOW,
    ...over,
  });
  return { ...found, line: [found.main, ...found.details].join(' · ') };
};

afterEach(() => language.set('ja'));

describe('the line at the top', () => {
  test('connected', () => {
    expect(words()).toMatchObject({ reachable: 'true', line: '本庁につながっています' });
  });

  test('cut: since when, and what is missing as far as known', () => {
    const found = words({ hq: hq({ reachable: false, missing_there: 12, missing_here: 3 }) });
    expect(found.reachable).toBe('false');
    expect(found.line).toBe(
      '本庁と切れています · 08:20 から · 本庁に未達 12 件 · こちらに未着 3 件 (分かる範囲)',
    );
  });

  test('another day is named', () => {
    expect(words({ hq: hq({ reachable: false, since: '2026-11-20T08:20:00+09:00' }) }).line).toContain(
      '11/20 08:20 から',
    );
  });

  test('the own node out of reach hides what can no longer be known', () => {
    const found = words({ lostSince: NOW - 60_000, waiting: 2 });
    expect(found).toMatchObject({ reachable: 'unknown', tone: 'bad' });
    expect(found.line).toContain('この拠点のノードに接続できません · 08:59 から');
    expect(found.line).toContain('この端末で送信待ち 2 件');
    expect(found.line).not.toContain('本庁');
  });

  test('headquarters itself counts its lines', () => {
    const found = words({ hq: hq({ is_self: true }) });
    expect(found).toMatchObject({ reachable: 'self', tone: 'warn' });
    expect(found.line).toBe('この拠点が本庁です · 3/4 拠点とつながっています');
  });

  test('nothing known yet, no headquarters, failed messages', () => {
    expect(words({ known: false }).reachable).toBe('unknown');
    expect(words({ hq: null }).line).toContain('登録されていません');
    expect(words({ failed: 1 }).line).toContain('送信できなかったもの 1 件');
  });

  test('in English', () => {
    language.set('en');
    expect(words({ hq: hq({ reachable: false, missing_there: 1 }) }).line).toBe(
      'Cut off from headquarters · since 08:20 · 1 item not yet at headquarters (as far as known)',
    );
  });
});
