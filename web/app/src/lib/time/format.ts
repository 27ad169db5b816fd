// Dates and times as officials write them: Japan time whatever the device says, 24-hour clock, day of the week.
import { language } from '$lib/i18n';

const ZONE = 'Asia/Tokyo';
const locale = () => (language.current === 'ja' ? 'ja-JP' : 'en-GB');
const cache = new Map<string, Intl.DateTimeFormat>();

function formatter(name: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${locale()} ${name}`;
  let found = cache.get(key);
  if (!found) {
    found = new Intl.DateTimeFormat(locale(), { timeZone: ZONE, hourCycle: 'h23', ...options });
    cache.set(key, found);
  }
  return found;
}

const DAY_KEY = new Intl.DateTimeFormat('sv-SE', {
  timeZone: ZONE,
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
});

export type When = string | number | Date;
const dateOf = (when: When): Date => (when instanceof Date ? when : new Date(when));
const valid = (date: Date) => !Number.isNaN(date.getTime());

/** `2026-11-22`: which day it is in Japan. */
export const dayKey = (when: When): string => {
  const date = dateOf(when);
  return valid(date) ? DAY_KEY.format(date) : '';
};

/** `09:05` */
export function clockTime(when: When): string {
  const date = dateOf(when);
  return valid(date) ? formatter('time', { hour: '2-digit', minute: '2-digit' }).format(date) : '';
}

/** `11/22`, in English `22 Nov`, where a bare pair of numbers would be ambiguous. */
export function shortDay(when: When): string {
  if (language.current === 'en') {
    const date = dateOf(when);
    return valid(date) ? formatter('short', { day: 'numeric', month: 'short' }).format(date) : '';
  }
  const [, month, day] = dayKey(when).split('-');
  return month && day ? `${Number(month)}/${Number(day)}` : '';
}

/** Month, day and weekday, with the year when it is not this one. */
export function longDay(when: When, now: When = Date.now()): string {
  const date = dateOf(when);
  if (!valid(date)) return '';
  const thisYear = dayKey(date).slice(0, 4) === dayKey(now).slice(0, 4);
  return thisYear
    ? formatter('day', { month: 'long', day: 'numeric', weekday: 'short' }).format(date)
    : formatter('year', { year: 'numeric', month: 'long', day: 'numeric', weekday: 'short' }).format(date);
}

/** For paper: in Japanese with the era, as official documents have it; in English `22 November 2026`. */
export function officialDay(when: When): string {
  const date = dateOf(when);
  if (!valid(date)) return '';
  return formatter('official', {
    ...(language.current === 'ja' ? { calendar: 'japanese' as const, era: 'long' as const } : {}),
    year: 'numeric',
    month: 'long',
    day: 'numeric',
  }).format(date);
}

/** Day, weekday and time; in English `Sun 22 Nov 09:05`. */
export function dayAndTime(when: When): string {
  const date = dateOf(when);
  if (!valid(date)) return '';
  const weekday = formatter('weekday', { weekday: 'short' }).format(date);
  const day = language.current === 'en' ? `${weekday} ${shortDay(date)}` : `${shortDay(date)}(${weekday})`;
  return `${day} ${clockTime(date)}`;
}

/** For records: with the year and the seconds. */
export function exactTime(when: When): string {
  const date = dateOf(when);
  if (!valid(date)) return '';
  return formatter('exact', {
    year: 'numeric',
    month: language.current === 'en' ? 'short' : '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  }).format(date);
}

/** For «since»: `08:20` today, `11/21 08:20` otherwise. */
export function since(when: When, now: When = Date.now()): string {
  return dayKey(when) === dayKey(now) ? clockTime(when) : `${shortDay(when)} ${clockTime(when)}`;
}

/** For lists: `09:05` today, `11/20` this year, `2025/11/20` before. */
export function listTime(when: When, now: When = Date.now()): string {
  const key = dayKey(when);
  if (key === dayKey(now)) return clockTime(when);
  if (key.slice(0, 4) === dayKey(now).slice(0, 4)) return shortDay(when);
  return language.current === 'en' ? `${shortDay(when)} ${key.slice(0, 4)}` : key.replace(/-0?/g, '/');
}

/** `+0.3`, from milliseconds. */
export function signedSeconds(ms: number): string {
  const seconds = ms / 1000;
  const text = Math.abs(seconds) >= 10 ? seconds.toFixed(0) : seconds.toFixed(1);
  return Number(text) === 0 ? '0' : seconds > 0 ? `+${text}` : text;
}
