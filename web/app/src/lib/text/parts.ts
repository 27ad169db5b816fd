// Splits a message into plain text, mentions and web addresses, so that each is drawn as an element and never as markup.

export type Part =
  | { kind: 'text'; text: string }
  | { kind: 'mention'; text: string; user: string }
  | { kind: 'link'; text: string; href: string };

interface Mention {
  id: string;
  name: string;
}

const LINK = /https?:\/\/[^\s<>"'\u3000-\u303f\uff00-\uffef]+/gu;
const TRAILING = /[.,;:!?)\]}]+$/u;
const escapePattern = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

export function partsOf(text: string, mentions: readonly Mention[] = []): Part[] {
  return splitMentions(text, mentions).flatMap((part) =>
    part.kind === 'text' ? splitLinks(part.text) : [part],
  );
}

function splitMentions(text: string, mentions: readonly Mention[]): Part[] {
  if (mentions.length === 0) return [{ kind: 'text', text }];
  // Longest name first: one name may begin with another.
  const known = [...mentions].sort((a, b) => b.name.length - a.name.length);
  const pattern = new RegExp(`@(${known.map((m) => escapePattern(m.name)).join('|')})`, 'gu');
  return split(text, pattern, (found) => {
    const user = known.find((m) => `@${m.name}` === found);
    return user ? { kind: 'mention', text: found, user: user.id } : { kind: 'text', text: found };
  });
}

function splitLinks(text: string): Part[] {
  return split(text, LINK, (found) => {
    const href = found.replace(TRAILING, '');
    return { kind: 'link', text: href, href };
  });
}

function split(text: string, pattern: RegExp, make: (found: string) => Part): Part[] {
  const parts: Part[] = [];
  let from = 0;
  for (const match of text.matchAll(pattern)) {
    if (match.index > from) parts.push({ kind: 'text', text: text.slice(from, match.index) });
    const part = make(match[0]);
    parts.push(part);
    from = match.index + part.text.length;
  }
  if (from < text.length) parts.push({ kind: 'text', text: text.slice(from) });
  return parts;
}
