// The one sentence an official reads first: is everybody there, and if not, who is missing since when and with what.
import { t } from '$lib/i18n';
import type { OfficeState } from './offices';

export interface Sentence {
  tone: 'good' | 'warn' | 'quiet';
  main: string;
  /** Further sentences, the weightiest first. */
  more: string[];
}

/** Named one by one; of more only how many. */
const NAMED = 3;

export function sentenceOf(offices: readonly OfficeState[], now: number): Sentence {
  const others = offices.filter((office) => !office.own);
  if (others.length === 0) return { tone: 'quiet', main: t.peersEmpty, more: [] };
  const lost = others.filter((office) => office.reach === 'none').sort(byWeight);
  const relayed = others.filter((office) => office.reach === 'relayed').length;
  const over = relayed > 0 ? [t.linksRelayed(relayed)] : [];
  if (lost.length === 0) return { tone: 'good', main: t.linksAll(others.length), more: over };
  const [worst, ...rest] = lost.slice(0, NAMED).map((office) => lostWords(office, now));
  const unnamed = lost.length > NAMED ? [t.linksMoreLost(lost.length - NAMED)] : [];
  const up = others.length - lost.length;
  const fine = up > 0 ? [t.linksRest(up), ...over] : [t.linksAlone];
  return { tone: 'warn', main: worst!, more: [...rest, ...unnamed, ...fine] };
}

/** Headquarters first, then where most is waiting, then who is away longest. */
const byWeight = (a: OfficeState, b: OfficeState): number =>
  Number(b.headquarters) - Number(a.headquarters) ||
  b.missingThere - a.missingThere ||
  (a.lostSince ?? 0) - (b.lostSince ?? 0);

export function lostWords(office: OfficeState, now: number): string {
  const missing = office.missingThere > 0 ? t.linksMissing(office.missingThere) : '';
  const state =
    office.lostSince === null
      ? t.linksNever(office.name)
      : t.linksLost(office.name, spanWords((now - office.lostSince) / 1000));
  return `${state}${missing}`;
}

/** A length of time in one unit, rounded down: nobody needs «3 hours 12 minutes». */
export function spanWords(seconds: number): string {
  const whole = Math.max(0, seconds);
  if (whole < 60) return t.spanSeconds(Math.floor(whole));
  if (whole < 3600) return t.spanMinutes(Math.floor(whole / 60));
  if (whole < 48 * 3600) return t.spanHours(Math.floor(whole / 3600));
  return t.spanDays(Math.floor(whole / 86_400));
}
