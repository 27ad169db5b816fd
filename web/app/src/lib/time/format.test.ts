import { afterEach, describe, expect, test } from 'vitest';
import { language } from '$lib/i18n';
import {
  clockTime,
  dayAndTime,
  exactTime,
  dayKey,
  listTime,
  longDay,
  officialDay,
  signedSeconds,
  since,
} from './format';

const NOW = '2026-11-22T12:00:00+09:00';

afterEach(() => language.set('ja'));

describe('times are Japan time on a 24-hour clock', () => {
  test('whatever offset they carry', () => {
    expect(clockTime('2026-11-22T00:05:00Z')).toBe('09:05');
    expect(clockTime('2026-11-22T09:05:00+09:00')).toBe('09:05');
    expect(clockTime('2026-11-21T15:00:00Z')).toBe('00:00');
    expect(dayKey('2026-11-21T15:00:00Z')).toBe('2026-11-22');
  });

  test('the day heading names the weekday, and the year only when it is another', () => {
    expect(longDay('2026-11-22T09:05:00+09:00', NOW)).toBe('11月22日(日)');
    expect(longDay('2025-11-22T09:05:00+09:00', NOW)).toBe('2025年11月22日(土)');
  });

  test('«since» leaves the day out when it is today', () => {
    expect(since('2026-11-22T08:20:00+09:00', NOW)).toBe('08:20');
    expect(since('2026-11-21T08:20:00+09:00', NOW)).toBe('11/21 08:20');
  });

  test('lists show time, day, or year', () => {
    expect(listTime('2026-11-22T08:20:00+09:00', NOW)).toBe('08:20');
    expect(listTime('2026-11-02T08:20:00+09:00', NOW)).toBe('11/2');
    expect(listTime('2025-01-02T08:20:00+09:00', NOW)).toBe('2025/1/2');
  });

  test('day and time together', () => {
    expect(dayAndTime('2026-11-22T00:05:00Z')).toBe('11/22(日) 09:05');
    expect(exactTime('2026-11-22T00:05:07Z')).toBe('2026/11/22 09:05:07');
    language.set('en');
    expect(dayAndTime('2026-11-22T00:05:00Z')).toBe('Sun 22 Nov 09:05');
    expect(exactTime('2026-11-22T00:05:07Z')).toBe('22 Nov 2026, 09:05:07');
  });

  test('an unreadable time is empty, not an exception', () => {
    expect(clockTime('nonsense')).toBe('');
    expect(dayAndTime('nonsense')).toBe('');
    expect(exactTime('nonsense')).toBe('');
    expect(longDay('')).toBe('');
  });

  test('clock differences carry their sign', () => {
    expect(signedSeconds(340)).toBe('+0.3');
    expect(signedSeconds(-154_000)).toBe('-154');
    expect(signedSeconds(20)).toBe('0');
  });
});

test('paper carries the year of the era, the first one by its name', () => {
  expect(officialDay('2026-11-22T00:30:00+09:00')).toBe('令和8年11月22日');
  expect(officialDay('2019-05-01T12:00:00+09:00')).toBe('令和元年5月1日');
  language.set('en');
  expect(officialDay('2026-11-22T00:30:00+09:00')).toBe('22 November 2026');
});
