import { afterEach, describe, expect, test } from 'vitest';
import { language } from '$lib/i18n';
import { conversation, message, outboxItem } from '../../testing/fixtures';
import { deliveryOf, deliveryWords, failureWords } from './delivery';
import { positionOf, sameMessage } from './order';
import { pendingMessage } from './pending';
import { rowsOf } from './rows';
import { around, MAX_ROWS, shifted, slideDown, slideUp, STEP, tail } from './window';

afterEach(() => language.set('ja'));

describe('the state of an own message in words', () => {
  const counts = (arrived: number, read: number) => ({ arrived, offices: 4, read });

  test('waiting → saved here → at n of m offices → read', () => {
    expect(deliveryWords(counts(0, 0), outboxItem())).toBe('送信待ち');
    expect(deliveryWords(counts(1, 0), null)).toBe('この拠点に保存');
    expect(deliveryWords(counts(2, 0), null)).toBe('2/4 拠点に到達');
    expect(deliveryWords(counts(4, 0), null)).toBe('全 4 拠点に到達');
    expect(deliveryWords(counts(4, 3), null)).toBe('既読 3');
    expect([counts(1, 0), counts(2, 0), counts(4, 1)].map((c) => deliveryOf(c, null))).toEqual([
      'stored',
      'arrived',
      'read',
    ]);
  });

  test('being read does not hide that other offices lack it', () => {
    expect(deliveryWords(counts(1, 2), null)).toBe('既読 2 · 1/4 拠点に到達');
  });

  test('a room of one office is never said to have arrived elsewhere', () => {
    expect(deliveryOf({ arrived: 1, offices: 1, read: 0 }, null)).toBe('stored');
  });

  test('why it waits, and why it failed', () => {
    expect(deliveryWords(counts(0, 0), outboxItem({ wait: 'storage' }))).toContain('保存領域');
    expect(deliveryWords(counts(0, 0), outboxItem({ wait: 'login' }))).toContain('ログイン');
    expect(deliveryOf(counts(0, 0), outboxItem({ status: 'failed' }))).toBe('failed');
    expect(failureWords({ kind: 'invalid', code: 'x', detail: '長さが足りません。' })).toBe(
      '長さが足りません。',
    );
    expect(failureWords({ kind: 'forbidden', code: 'x', detail: '' })).toBe(
      'このルームに書く権限がありません。',
    );
    expect(failureWords({ kind: 'conflict', code: 'x', detail: 'x' })).toContain('新しい番号');
  });

  test('in English too', () => {
    language.set('en');
    expect(deliveryWords(counts(2, 0), null)).toBe('At 2 of 4 offices');
    expect(deliveryWords(counts(4, 1), null)).toBe('Read by 1');
  });
});

describe('rows', () => {
  const entries = (items: ReturnType<typeof conversation>) =>
    items.map((item) => ({ message: item, pending: null }));

  test('a heading for each day in Japan, one line before the first unread', () => {
    const items = [
      message({ id: 'a', sent_at: '2026-11-21T14:59:00Z' }),
      message({ id: 'b', sent_at: '2026-11-21T15:01:00Z' }),
      message({ id: 'c', sent_at: '2026-11-21T15:02:00Z' }),
    ];
    const kinds = rowsOf(entries(items), 'c').map((row) => row.kind);
    expect(kinds).toEqual(['day', 'message', 'day', 'message', 'unread', 'message']);
  });

  test('the name comes again for another speaker or after a pause', () => {
    const items = [
      message({ id: 'a', sent_at: '2026-11-22T00:00:00Z' }),
      message({ id: 'b', sent_at: '2026-11-22T00:01:00Z' }),
      message({ id: 'c', sent_at: '2026-11-22T00:10:00Z' }),
      message({ id: 'd', sent_at: '2026-11-22T00:11:00Z', author: { id: 'x', name: 'X', office: null } }),
    ];
    const speakers = rowsOf(entries(items), null).flatMap((row) =>
      row.kind === 'message' ? [row.speaker] : [],
    );
    expect(speakers).toEqual([true, false, true, true]);
  });

  test('keys stay unique when an id or a day comes twice', () => {
    const items = [
      message({ id: 'a', sent_at: '2026-11-22T00:00:00Z' }),
      message({ id: 'a', sent_at: '2026-11-21T00:00:00Z', conflict: true, text: 'x' }),
      message({ id: 'b', sent_at: '2026-11-22T00:00:00Z' }),
    ];
    const keys = rowsOf(entries(items), null).map((row) => row.key);
    expect(new Set(keys).size).toBe(keys.length);
  });
});

describe('the drawn slice', () => {
  test('never exceeds its limit while walking through 20,000 messages and back', () => {
    const length = 20_000;
    let slice = tail(length);
    for (let i = 0; i < 400; i++) {
      slice = slideUp(slice);
      expect(slice.to - slice.from).toBeLessThanOrEqual(MAX_ROWS);
    }
    expect(slice.from).toBe(0);
    for (let i = 0; i < 400; i++) {
      const before = slice;
      slice = slideDown(slice, length);
      expect(slice.to - slice.from).toBeLessThanOrEqual(MAX_ROWS);
      expect(slice.from).toBeLessThanOrEqual(before.to);
    }
    expect(slice.to).toBe(length);
  });

  test('moves with what is put in before it, and shows what is asked for', () => {
    expect(shifted({ from: 0, to: 50 }, 50)).toEqual({ from: 50, to: 100 });
    for (const index of [0, 150, 10_000, 19_999]) {
      const slice = around(index, 20_000);
      expect(slice.from).toBeLessThanOrEqual(index);
      expect(slice.to).toBeGreaterThan(index);
    }
    expect(tail(10)).toEqual({ from: 0, to: 10 });
    expect(slideUp({ from: 50, to: 350 })).toEqual({ from: 0, to: MAX_ROWS });
    expect(STEP).toBeLessThan(MAX_ROWS);
  });
});

describe('order', () => {
  test('a new message goes by its time, from the end', () => {
    const items = conversation(5);
    expect(positionOf(items, message({ id: 'z', sent_at: '2027-01-01T00:00:00Z' }))).toBe(5);
    expect(positionOf(items, message({ id: 'z', sent_at: '2026-11-20T00:02:30Z' }))).toBe(3);
    expect(positionOf(items, message({ id: 'z', sent_at: '2020-01-01T00:00:00Z' }))).toBe(0);
  });

  test('one identity with two contents is two messages', () => {
    const a = message({ conflict: true, text: '甲' });
    expect(sameMessage(a, { ...a, text: '乙' })).toBe(false);
    expect(sameMessage(message({ text: '甲' }), message({ text: '甲 (訂正)' }))).toBe(true);
    expect(sameMessage(message(), message({ author: { id: 'x', name: 'X', office: null } }))).toBe(false);
  });
});

test('an outbox item is drawn as the message it will be', () => {
  const drawn = pendingMessage(outboxItem({ body: { text: 'x', urgent: true } }), null);
  expect(drawn).toMatchObject({ id: 'p-1', text: 'x', urgent: true, my_own: true, arrived: 0 });
});
