// What this device signs, byte for byte as the node writes it down (docs/protocol.md, «Signatures of devices»). The node
// encodes the same; if the two ever differ, the signature is refused and the message goes out without one.
import type { MessageBody } from '$lib/api/types';

export const MESSAGE = 1;
export const EDIT = 2;

const BODY_VERSION = 1;
const CONTEXT = 'noroshi/device-statement/1';

const utf8 = new TextEncoder();

/** The 16 bytes of a UUID; throws for anything else. */
function uuid(text: string): number[] {
  const hex = text.replaceAll('-', '');
  if (!/^[0-9a-f]{32}$/i.test(hex)) throw new Error('not a UUID');
  return Array.from({ length: 16 }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16));
}

/** An unsigned LEB128 integer. */
function varint(value: number): number[] {
  const bytes: number[] = [];
  for (; value > 0x7f; value = Math.floor(value / 128)) bytes.push((value % 128) | 0x80);
  return [...bytes, value];
}

function text(value: string): number[] {
  const bytes = utf8.encode(trimmed(value));
  return [...varint(bytes.length), ...bytes];
}

/** As the node trims: `White_Space` of Unicode, which is not quite what `String.trim` takes away. */
export const trimmed = (value: string): string =>
  value.replace(/^\p{White_Space}+/u, '').replace(/\p{White_Space}+$/u, '');

export function messageContent(body: MessageBody): Uint8Array<ArrayBuffer> {
  const mentions = [...new Set((body.mentions ?? []).map((id) => id.toLowerCase()))];
  return Uint8Array.from([
    BODY_VERSION,
    ...text(body.text),
    ...(body.reply_to ? [1, ...uuid(body.reply_to)] : [0]),
    ...varint(mentions.length),
    ...mentions.flatMap(uuid),
    body.urgent ? 1 : 0,
  ]);
}

/** New text of a message. Which earlier changes it takes the place of is for the node to know, and not signed. */
export const editContent = (target: string, value: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from([BODY_VERSION, ...uuid(target), 0, ...text(value)]);

export function statement(
  room: string,
  id: string,
  kind: number,
  author: string,
  content: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const head = [...utf8.encode(CONTEXT), ...uuid(room), ...uuid(id), kind >> 8, kind & 0xff, ...uuid(author)];
  const bytes = new Uint8Array(head.length + content.length);
  bytes.set(head);
  bytes.set(content, head.length);
  return bytes;
}
