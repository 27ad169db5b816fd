// Turns messages into what is drawn: day headings, the line «unread from here», and who speaks anew.
import type { Message } from '$lib/api/types';
import type { OutboxItem } from '$lib/outbox/types';
import { dayKey } from '$lib/time/format';

export type Row =
  | { kind: 'day'; key: string; at: string }
  | { kind: 'unread'; key: string }
  | { kind: 'message'; key: string; message: Message; pending: OutboxItem | null; speaker: boolean };

export interface Entry {
  message: Message;
  pending: OutboxItem | null;
}

const SAME_BREATH_MS = 5 * 60_000;

export function rowsOf(entries: readonly Entry[], firstUnread: string | null): Row[] {
  const rows: Row[] = [];
  const keys = new Set<string>();
  let previous: Message | null = null;
  for (const { message, pending } of entries) {
    const day = dayKey(message.sent_at);
    let fresh = previous === null;
    if (previous === null || dayKey(previous.sent_at) !== day) {
      rows.push({ kind: 'day', key: unique(keys, `day-${day}`), at: message.sent_at });
      fresh = true;
    }
    if (message.id === firstUnread) {
      rows.push({ kind: 'unread', key: unique(keys, 'unread') });
      fresh = true;
    }
    const speaker =
      fresh ||
      previous!.author.id !== message.author.id ||
      previous!.entry_kind !== message.entry_kind ||
      Math.abs(Date.parse(message.sent_at) - Date.parse(previous!.sent_at)) > SAME_BREATH_MS;
    rows.push({ kind: 'message', key: unique(keys, message.id), message, pending, speaker });
    previous = message;
  }
  return rows;
}

/** Late messages and wrong clocks can make a day or an id come twice; keys must not. */
function unique(keys: Set<string>, key: string): string {
  let found = key;
  for (let n = 2; keys.has(found); n++) found = `${key}-${n}`;
  keys.add(found);
  return found;
}
