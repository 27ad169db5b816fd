// Draws an item of the outbox as the message it is going to be.
import type { Message, User } from '$lib/api/types';
import type { OutboxItem } from '$lib/outbox/types';

export function pendingMessage(item: OutboxItem, me: User | null): Message {
  const at = new Date(item.created_at).toISOString();
  return {
    id: item.id,
    room: item.room,
    author: { id: me?.id ?? '', name: me?.name ?? '', office: me?.office ?? null },
    device_kind: null,
    text: item.body.text,
    sent_at: at,
    received_at: at,
    clock_suspect: false,
    urgent: item.body.urgent ?? false,
    drill: false,
    reply_to: item.preview.reply_to,
    mentions: item.preview.mentions,
    edited_at: null,
    redacted: null,
    erased: null,
    reactions: [],
    attachments: [],
    arrived: 0,
    offices: 0,
    read: 0,
    my_own: true,
    late: false,
    conflict: false,
    forked: false,
    after_stop: false,
    signed: 'none',
    unsigned: false,
    entry_kind: 'message',
  };
}
