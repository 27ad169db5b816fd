// When a message counts as late for people: it came so long after it was written that they should be told.
import type { Message } from '$lib/api';

const MUCH_LATER_MS = 10 * 60_000;

export function isMuchLater(message: Message): boolean {
  return Date.parse(message.received_at) - Date.parse(message.sent_at) > MUCH_LATER_MS;
}
