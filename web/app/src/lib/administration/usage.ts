// Figures of use by section, for the chart, its table and the file.
import { nameOf } from '$lib/api';
import type { Usage } from '$lib/api/administration-types';
import { csv } from './csv';

export interface UsageRow {
  id: string;
  office: string;
  section: string;
  accounts: number;
  active: number;
  posts: number;
  /** Of the accounts, 0 to 1; null without accounts. */
  rate: number | null;
}

export const rateOf = (active: number, accounts: number): number | null =>
  accounts === 0 ? null : active / accounts;

/** In the order of the node. */
export const usageRows = (usage: Usage): UsageRow[] =>
  usage.sections.map(({ office, section, accounts, active, posts }, i) => ({
    id: String(i),
    office: nameOf(office),
    section: section ?? '',
    accounts,
    active,
    posts,
    rate: rateOf(active, accounts),
  }));

/** `87.3`, for people and files alike; empty without accounts. */
export const percent = (rate: number | null): string => (rate === null ? '' : (rate * 100).toFixed(1));

/** @param heads titles of the six columns @param total name of the last line */
export const usageCsv = (usage: Usage, heads: readonly string[], total: string): string =>
  csv([
    heads,
    ...usageRows(usage).map((row) => [
      row.office,
      row.section,
      row.accounts,
      row.active,
      percent(row.rate),
      row.posts,
    ]),
    [total, '', usage.accounts, usage.active, percent(rateOf(usage.active, usage.accounts)), usage.posts],
  ]);

export interface Bar {
  id: string;
  label: string;
  value: number;
  /** Part of the longest bar, 0 to 1. */
  length: number;
}

export function bars(rows: readonly UsageRow[], value: 'posts' | 'active' | 'accounts'): Bar[] {
  const longest = Math.max(1, ...rows.map((row) => row[value]));
  return rows.map((row) => ({
    id: row.id,
    label: [row.office, row.section].filter(Boolean).join(' '),
    value: row[value],
    length: row[value] / longest,
  }));
}

const MONTH = /^(\d{4})-(\d{2})$/;

/** The last `count` months up to `current` (`2026-11`), newest first. */
export function monthsBack(current: string, count: number): string[] {
  const [, year, month] = MONTH.exec(current) ?? [];
  if (!year || !month) return [];
  const last = Number(year) * 12 + Number(month) - 1;
  return Array.from({ length: count }, (_, i) => {
    const at = last - i;
    return `${Math.floor(at / 12)}-${String((at % 12) + 1).padStart(2, '0')}`;
  });
}
