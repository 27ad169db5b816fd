// Where a message belongs among the loaded ones. The node orders by its hybrid clock; pages are taken in its order, and
// a single new message is put by its time, from the end, so that what is in place never moves.
import type { Message } from '$lib/api/types';

export function positionOf(items: readonly Message[], message: Message): number {
  const at = Date.parse(message.sent_at);
  let index = items.length;
  while (index > 0) {
    const before = items[index - 1]!;
    const beforeAt = Date.parse(before.sent_at);
    if (beforeAt < at || (beforeAt === at && before.id <= message.id)) break;
    index--;
  }
  return index;
}

/** Messages of one identity with other content are two messages, so the author is part of the key. */
export const keyOf = (message: Pick<Message, 'id' | 'author'>): string =>
  `${message.author.id}/${message.id}`;

export const sameMessage = (a: Message, b: Message): boolean =>
  a.id === b.id && a.author.id === b.author.id && (!a.conflict || !b.conflict || a.text === b.text);
