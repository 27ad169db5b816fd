// Files that go with messages: sending one, asking for one that is elsewhere, and the address of one.
import { API, del, post, query, seg } from './http';
import type { AttachmentState, Upload } from './types';
import { upload, type UploadOptions } from './upload';

const one = (hash: string) => `/attachments/${seg(hash)}`;

export const attachments = {
  /** @param keepPlace leave where a picture was taken in it */
  upload: (file: Blob, name: string, keepPlace: boolean, options: UploadOptions) =>
    upload<Upload>('/attachments' + query({ name, keep_place: String(keepPlace) }), file, options),
  /** @param inline to be looked at in the page, which the node allows for pictures alone */
  address: (hash: string, { inline = false } = {}) => API + one(hash) + (inline ? '?inline=true' : ''),
  /** Asks this node to get it from another office. */
  want: (hash: string) =>
    post<{ state: AttachmentState; held_bytes: number; size: number }>(`${one(hash)}/fetch`),
  unwant: (hash: string) => del(`${one(hash)}/fetch`),
};
