// Finds the «@…» being typed at the caret and puts a chosen name in its place. Names are not delimited in Japanese, so
// who is meant is kept by id, never guessed from the text.
import { matches } from './kana';

export interface MentionQuery {
  /** Position of the at sign. */
  start: number;
  query: string;
}

const MAX_QUERY = 20;

export function mentionAt(text: string, caret: number): MentionQuery | null {
  const before = text.slice(0, caret);
  const start = Math.max(before.lastIndexOf('@'), before.lastIndexOf('\uff20'));
  if (start < 0) return null;
  const query = before.slice(start + 1);
  if (query.length > MAX_QUERY || /[\s\u3000]/u.test(query)) return null;
  // An e-mail address is not a mention.
  if (start > 0 && /[a-z0-9._-]/i.test(before[start - 1]!)) return null;
  return { start, query };
}

export interface Candidate {
  id: string;
  name: string;
  kana?: string;
  office?: { name: string } | null;
}

export function candidates<T extends Candidate>(people: readonly T[], query: string, limit = 8): T[] {
  return people.filter((p) => matches(query, p.name, p.kana, p.office?.name)).slice(0, limit);
}

export function insertMention(text: string, at: MentionQuery, caret: number, name: string) {
  const head = `${text.slice(0, at.start)}@${name} `;
  return { text: head + text.slice(caret), caret: head.length };
}

/** Those chosen earlier whose name is still in the text. */
export const stillMentioned = (text: string, chosen: ReadonlyMap<string, string>): string[] =>
  [...chosen].filter(([, name]) => text.includes(`@${name}`)).map(([id]) => id);
