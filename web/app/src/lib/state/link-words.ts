// What the line at the top says, computed in one place: is headquarters reachable, since when not, what is missing, and
// does this browser reach its own node at all.
import { nameOf, type Headquarters } from '$lib/api/types';
import { t } from '$lib/i18n';
import { since } from '$lib/time/format';

export type Reachable = 'true' | 'false' | 'self' | 'unknown';
export type LinkTone = 'good' | 'warn' | 'bad' | 'quiet';

export interface LinkWords {
  reachable: Reachable;
  tone: LinkTone;
  main: string;
  /** Further facts, in order of weight. */
  details: string[];
}

export interface LinkFacts {
  hq: Headquarters | null;
  known: boolean;
  /** The node answers, though it may not have said anything of itself yet. */
  reached: boolean;
  lostSince: number | null;
  peers: { connected: number; count: number; missingHere: number; missingThere: number };
  waiting: number;
  failed: number;
  now: number;
}

export function linkWords(facts: LinkFacts): LinkWords {
  const words = lineWords(facts);
  if (facts.waiting > 0) words.details.push(t.outboxWaiting(facts.waiting));
  if (facts.failed > 0) words.details.push(t.outboxFailed(facts.failed));
  return words;
}

function lineWords({ hq, known, reached, lostSince, peers, now }: LinkFacts): LinkWords {
  if (lostSince !== null) {
    const details = [t.nodeLostSince(since(lostSince, now)), t.nodeLostHint];
    return { reachable: 'unknown', tone: 'bad', main: t.nodeLost, details };
  }
  if (!known)
    return {
      reachable: 'unknown',
      tone: 'quiet',
      main: reached ? t.nodeReachable : t.nodeConnecting,
      details: [],
    };
  if (!hq || (!hq.is_self && !hq.office))
    return { reachable: 'unknown', tone: 'quiet', main: t.hqNone, details: [] };
  if (hq.is_self) return headquartersItself(peers);
  const missing = missingWords(t.missingAtHq, hq.missing_there, hq.missing_here);
  if (hq.reachable) return { reachable: 'true', tone: 'good', main: t.hqReachable, details: missing };
  const from = hq.since ? [t.hqUnreachableSince(since(hq.since, now))] : [];
  const asFar = missing.length > 0 ? [...missing.slice(0, -1), `${missing.at(-1)} ${t.asFarAsKnown}`] : [];
  return { reachable: 'false', tone: 'warn', main: t.hqUnreachable, details: [...from, ...asFar] };
}

function headquartersItself(peers: LinkFacts['peers']): LinkWords {
  const details = peers.count > 0 ? [t.hqLinks(peers.connected, peers.count)] : [];
  details.push(...missingWords(t.missingElsewhere, peers.missingThere, peers.missingHere));
  const tone: LinkTone = peers.connected < peers.count ? 'warn' : 'good';
  return { reachable: 'self', tone, main: t.hqSelf, details };
}

function missingWords(there: (n: number) => string, missingThere: number, missingHere: number): string[] {
  const words: string[] = [];
  if (missingThere > 0) words.push(there(missingThere));
  if (missingHere > 0) words.push(t.missingHere(missingHere));
  return words;
}

/** `Branch · City`: whose screen this is. */
export const placeWords = (
  office: Parameters<typeof nameOf>[0],
  organisation: Parameters<typeof nameOf>[0],
): string => [nameOf(office), nameOf(organisation)].filter(Boolean).join(' · ');
