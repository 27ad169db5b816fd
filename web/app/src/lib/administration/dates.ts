// Days between date fields and the node's times: a day begins and ends in Japan.
import { dayKey } from '$lib/time/format';

/** For `<input type="date">`. */
export const dayOf = (time: string | null): string => (time ? dayKey(time) : '');

/** The first moment of a day, or null. */
export const startOfDay = (day: string): string | null => (day ? `${day}T00:00:00+09:00` : null);

/** The last moment of a day, or null. */
export const endOfDay = (day: string): string | null => (day ? `${day}T23:59:59+09:00` : null);

/** The first moment after a day, or null. */
export const afterDay = (day: string): string | null =>
  day ? new Date(Date.parse(`${day}T00:00:00+09:00`) + 24 * 3_600_000).toISOString() : null;
