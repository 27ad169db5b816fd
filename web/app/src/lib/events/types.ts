// The events the node pushes, as they come over the wire.
import type { AttachmentState, Message, Named, NodeName, Peer, Room, Time } from '$lib/api/types';

interface Base {
  cursor?: string;
}

export type ServerEvent = Base &
  (
    | { type: 'hello'; node?: NodeName | string }
    | { type: 'message' | 'edited' | 'redacted' | 'reaction'; room: string; message: Message }
    | { type: 'read'; room: string; user: Named | string; message: string; at: Time }
    | { type: 'arrived'; room: string; messages: Counts[] }
    | { type: 'room'; room: Room | string; removed?: boolean }
    | { type: 'peer'; peer: Peer }
    | { type: 'document'; room: string; document: string }
    | { type: 'alert'; code: string; text: string; at: Time }
    | ({ type: 'attachment'; room: string } & Held)
    | { type: 'typing'; room: string; user: Named }
    | { type: 'refetch' }
    | { type: 'pong' }
  );

export interface Counts {
  id: string;
  arrived: number;
  offices: number;
  read: number;
}

/** How much of an attachment this node holds. */
export interface Held {
  hash: string;
  state: AttachmentState;
  held_bytes: number;
  size: number;
}

export const EVENT_TYPES: readonly ServerEvent['type'][] = [
  'hello',
  'message',
  'edited',
  'redacted',
  'reaction',
  'read',
  'arrived',
  'room',
  'peer',
  'document',
  'alert',
  'attachment',
  'typing',
  'refetch',
  'pong',
];

export type ClientEvent = { type: 'typing'; room: string } | { type: 'ping' };
