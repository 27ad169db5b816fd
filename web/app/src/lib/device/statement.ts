// What this device signs, byte for byte as the node writes it down (docs/protocol.md, «Signatures of devices»). The node
// encodes the same; if the two ever differ, the signature is refused and the message goes out without one.
import type { MessageBody } from '$lib/api/types';

export const MESSAGE = 1;
export const EDIT = 2;

const BODY_VERSION = 1;
/** Of a message with files. */
const FILES_VERSION = 2;
const CONTEXT = 'noroshi/device-statement/1';

const utf8 = new TextEncoder();

/** A file as a message names it: as the node said when it took it. */
interface NamedFile {
  hash: string;
  name: string;
}

/** The bytes of so many hexadecimal digits; throws for anything else. */
function octets(hex: string, count: number, what: string): number[] {
  if (hex.length !== 2 * count || !/^[0-9a-f]*$/i.test(hex)) throw new Error(`not a ${what}`);
  return Array.from({ length: count }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16));
}

/** The 16 bytes of a UUID; throws for anything else. */
const uuid = (text: string): number[] => octets(text.replaceAll('-', ''), 16, 'UUID');

/** An unsigned LEB128 integer. */
function varint(value: number): number[] {
  const bytes: number[] = [];
  for (; value > 0x7f; value = Math.floor(value / 128)) bytes.push((value % 128) | 0x80);
  return [...bytes, value];
}

function exactly(value: string): number[] {
  const bytes = utf8.encode(value);
  return [...varint(bytes.length), ...bytes];
}

const text = (value: string): number[] => exactly(trimmed(value));

/** As the node trims: `White_Space` of Unicode, which is not quite what `String.trim` takes away. */
export const trimmed = (value: string): string =>
  value.replace(/^\p{White_Space}+/u, '').replace(/\p{White_Space}+$/u, '');

/** The words, and of each file its hash and its name: what the files contain stands in the hash. */
export function messageContent(
  body: MessageBody & { attachments?: readonly NamedFile[] },
): Uint8Array<ArrayBuffer> {
  const files = body.attachments ?? [];
  const mentions = [...new Set((body.mentions ?? []).map((id) => id.toLowerCase()))];
  return Uint8Array.from([
    files.length > 0 ? FILES_VERSION : BODY_VERSION,
    ...text(body.text),
    ...(body.reply_to ? [1, ...uuid(body.reply_to)] : [0]),
    ...varint(mentions.length),
    ...mentions.flatMap(uuid),
    body.urgent ? 1 : 0,
    ...(files.length > 0 ? varint(files.length) : []),
    ...files.flatMap((file) => [...octets(file.hash, 32, 'hash'), ...exactly(file.name)]),
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
