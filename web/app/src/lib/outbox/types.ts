// One message that the person has sent and the node has not yet acknowledged.
import type { Preview } from '$lib/attachments/preview';
import type { AttachmentName, Message, MessageBody, Upload } from '$lib/api/types';

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
  /** The file it is about. */
  file?: string;
}

/** A file of a waiting message. Its bytes lie beside the message under `key`. */
export interface WaitingFile {
  key: string;
  name: string;
  size: number;
  type: string;
  /** Leave in the picture where it was taken. */
  keep_place: boolean;
  preview: Preview | null;
  /** What the node made of it, once it has it. */
  stored: Upload | null;
}

export interface OutboxItem {
  /** UUIDv7, minted before the first attempt and kept through every retry. */
  id: string;
  owner: Owner;
  room: string;
  body: MessageBody;
  /** What a quoted message and mentions look like, so that the bubble can be drawn without the node. */
  preview: Pick<Message, 'reply_to' | 'mentions'>;
  files?: WaitingFile[];
  /** The node had let go of its files once already. */
  sent_anew?: boolean;
  created_at: number;
  /** Position among the items of one owner: order within a room is kept. */
  order: number;
  status: 'waiting' | 'failed';
  attempts: number;
  next_at: number;
  wait: WaitReason;
  failure: Failure | null;
}

type WithFiles = Pick<OutboxItem, 'body' | 'files'>;

/** Its files are not all at the node, so that the message itself was never sent and nobody has it. */
export const filesAreDue = ({ body, files }: WithFiles): boolean =>
  (files?.length ?? 0) > 0 && body.attachments === undefined;

/** How the message names its files, in the order in which they were chosen; null while one is not at the node. */
export function namesOf(files: readonly WaitingFile[]): AttachmentName[] | null {
  const names = files.flatMap(({ stored }) => (stored ? [{ hash: stored.hash, name: stored.name }] : []));
  return names.length === files.length ? names : null;
}

/** The same with nothing at the node. */
export function withoutUploads<T extends WithFiles>(item: T): T {
  const { attachments: _names, signature: _signature, ...body } = item.body;
  return { ...item, body, files: (item.files ?? []).map((file) => ({ ...file, stored: null })) };
}

export const bytesOf = (items: readonly Pick<OutboxItem, 'files'>[]): number =>
  items.reduce((sum, item) => sum + (item.files ?? []).reduce((bytes, file) => bytes + file.size, 0), 0);
