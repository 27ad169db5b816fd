// One message that the person has sent and the node has not yet acknowledged.
import type { Message, MessageBody } from '$lib/api/types';

/** Whose it is: a person at a node. Nobody else's login ever sends it. */
export type Owner = string;
export const ownerOf = (user: string, node: string): Owner => `${user}@${node}`;

export const userOf = (owner: Owner): string => owner.slice(0, owner.indexOf('@'));

export type FailureKind = 'conflict' | 'forbidden' | 'not_found' | 'invalid' | 'too_large' | 'other';
export type WaitReason = 'network' | 'storage' | 'busy' | 'login' | null;

export interface Failure {
  kind: FailureKind;
  code: string;
  detail: string;
}

export interface OutboxItem {
  /** UUIDv7, minted before the first attempt and kept through every retry. */
  id: string;
  owner: Owner;
  room: string;
  body: MessageBody;
  /** What a quoted message and mentions look like, so that the bubble can be drawn without the node. */
  preview: Pick<Message, 'reply_to' | 'mentions'>;
  created_at: number;
  /** Position among the items of one owner: order within a room is kept. */
  order: number;
  status: 'waiting' | 'failed';
  attempts: number;
  next_at: number;
  wait: WaitReason;
  failure: Failure | null;
}
