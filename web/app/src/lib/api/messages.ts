// Messages of a room: pages, posting under a client-made id, edit, redaction, reactions, receipts.
import { del, get, patch, put, query, seg } from './http';
import type { EditSignature, Message, MessageBody, Page, Receipts } from './types';

const base = (room: string) => `/rooms/${seg(room)}/messages`;
const one = (room: string, id: string) => `${base(room)}/${seg(id)}`;

export interface Where {
  limit?: number;
  before?: string;
  after?: string;
  around?: string;
  /** Only what arrived late for me. */
  late?: boolean;
}

export const messages = {
  page: (room: string, where: Where = {}, signal?: AbortSignal) =>
    get<Page<Message>>(base(room) + query({ ...where, late: where.late ? 'true' : undefined }), signal),
  put: (room: string, id: string, body: MessageBody) => put<Message>(one(room, id), body),
  edit: (room: string, id: string, text: string, signed: EditSignature | null = null) =>
    patch<Message>(one(room, id), { text, ...signed }),
  redact: (room: string, id: string) => del(one(room, id)),
  react: (room: string, id: string, stamp: string) => put<void>(`${one(room, id)}/reactions/${seg(stamp)}`),
  unreact: (room: string, id: string, stamp: string) => del(`${one(room, id)}/reactions/${seg(stamp)}`),
  receipts: (room: string, id: string) => get<Receipts>(`${one(room, id)}/receipts`),
};
