// The outbox as the page sees it: what this person has sent and the node has not acknowledged, the same in every tab.
import { api, type Message, type MessageBody, type Upload } from '$lib/api';
import { signMessage } from '$lib/device/signer';
import { uuidv7 } from '$lib/ids/uuid';
import { openChannel, type Notice, type TabChannel } from '$lib/outbox/channel';
import { lead, type Leadership } from '$lib/outbox/leader';
import { Sender, type SenderPorts } from '$lib/outbox/sender';
import { MemoryStore, openStore, type Files, type OutboxStore } from '$lib/outbox/store';
import {
  bytesOf,
  filesAreDue,
  namesOf,
  userOf,
  withoutUploads,
  type OutboxItem,
  type Owner,
  type WaitingFile,
} from '$lib/outbox/types';
import { session } from './session.svelte';

export interface Draft {
  room: string;
  body: MessageBody;
  preview: OutboxItem['preview'];
  files?: ChosenFile[];
}

/** A file the person has chosen, with its bytes. */
export interface ChosenFile extends Omit<WaitingFile, 'stored'> {
  bytes: Blob;
}

/** This browser has no room for the files of a message. */
export class DeviceFull extends Error {}

export interface OutboxHooks {
  sent(message: Message): void;
  loginNeeded(): void;
  loggedOutElsewhere(): void;
}

/** Signed before the first attempt and kept so, like the id: whichever office gets it, it is the same message. */
async function signed(owner: Owner, room: string, id: string, body: MessageBody): Promise<MessageBody> {
  const { signature: _former, ...plain } = body;
  if (session.signing !== 'ready') return plain;
  const signature = await signMessage({ room, id, author: userOf(owner) }, plain);
  return signature === null ? plain : { ...plain, signature };
}

const REMIND_LEADER_MS = 3000;
/** How often other tabs hear how far a file has got. */
const TELL_MOVED_MS = 500;

class OutboxState {
  items = $state.raw<OutboxItem[]>([]);
  /** False where the browser keeps nothing: the page then says so. */
  durable = $state(true);
  /** Items of other people in this browser. */
  others = $state(0);

  /** How much of a file has left this browser, by its key. */
  moved = $state.raw<ReadonlyMap<string, number>>(new Map());

  /** How many stayed behind when the login ran out. */
  kept = $state(0);

  #owner: Owner = '';
  #store: OutboxStore | null = null;
  #sender: Sender | null = null;
  #channel: TabChannel | null = null;
  #leadership: Leadership | null = null;
  #leading = false;
  #hooks: OutboxHooks | null = null;
  #reminder: ReturnType<typeof setInterval> | undefined;
  #lastOrder = 0;
  #toldMoved = 0;

  get waiting(): number {
    return this.items.filter((item) => item.status === 'waiting').length;
  }

  get failed(): number {
    return this.items.filter((item) => item.status === 'failed').length;
  }

  /** Bytes of files that wait here. */
  get fileBytes(): number {
    return bytesOf(this.items);
  }

  forRoom(room: string): OutboxItem[] {
    return this.items.filter((item) => item.room === room);
  }

  async start(owner: Owner, hooks: OutboxHooks): Promise<void> {
    this.stop();
    this.#owner = owner;
    this.#hooks = hooks;
    const { store, durable } = await openStore();
    this.#store = store;
    this.durable = durable;
    this.#channel = openChannel((notice) => this.#hear(notice));
    this.#sender = this.#newSender(store);
    await this.#reload();
    this.#leadership = durable
      ? lead(
          () => this.#lead(true),
          () => this.#lead(false),
        )
      : (this.#lead(true), null);
    this.#reminder = setInterval(() => {
      if (!this.#leading && this.waiting > 0 && document.visibilityState === 'visible')
        this.#channel?.tell({ kind: 'kick' });
    }, REMIND_LEADER_MS);
  }

  stop(): void {
    this.kept = this.waiting;
    clearInterval(this.#reminder);
    this.#leadership?.resign();
    this.#leadership = null;
    this.#leading = false;
    this.#sender?.stop();
    this.#sender = null;
    this.#channel?.close();
    this.#channel = null;
    this.items = [];
    this.moved = new Map();
    this.#owner = '';
  }

  /** Resolves once the message is safe on this device (or, without a database, in memory). */
  async add({ room, body, preview, files = [] }: Draft): Promise<OutboxItem> {
    const store = this.#store;
    if (!store || !this.#owner) throw new Error('outbox is not started');
    const now = Date.now();
    this.#lastOrder = Math.max(now, this.#lastOrder + 1);
    const [owner, order, id] = [this.#owner, this.#lastOrder, uuidv7(now)];
    const item: OutboxItem = {
      id,
      owner,
      room,
      // With files it is signed once the node has said what it made of them.
      body: files.length > 0 ? body : await signed(owner, room, id, body),
      preview,
      ...(files.length > 0
        ? { files: files.map(({ bytes: _bytes, ...file }) => ({ ...file, stored: null })) }
        : {}),
      created_at: now,
      order,
      status: 'waiting',
      attempts: 0,
      next_at: 0,
      wait: null,
      failure: null,
    };
    await this.#write(item, new Map(files.map(({ key, bytes }) => [key, bytes])));
    this.items = [...this.items, item];
    this.#changed();
    return item;
  }

  /** Sends a failed item again; after a conflict under a new id, because the old one can never be accepted. */
  async retry(id: string): Promise<void> {
    const item = this.items.find((one) => one.id === id);
    if (!item) return;
    const again: OutboxItem = {
      ...(item.failure?.code === 'attachment_unknown' ? withoutUploads(item) : item),
      status: 'waiting',
      attempts: 0,
      next_at: 0,
      wait: null,
      failure: null,
    };
    if (item.failure?.kind === 'conflict') {
      again.id = uuidv7();
      again.body = await signed(again.owner, again.room, again.id, again.body);
      await this.#store?.rename(item.id, again);
    } else {
      await this.#write(again);
    }
    await this.#reload();
    this.kick();
  }

  async discard(id: string): Promise<OutboxItem | undefined> {
    const item = this.items.find((one) => one.id === id);
    if (item?.status !== 'failed') return undefined;
    await this.#store?.remove(id);
    this.#changed();
    await this.#reload();
    return item;
  }

  /** Takes a message back whose files are not all at the node; nobody has it yet. False when it was too late for that. */
  async cancel(id: string): Promise<boolean> {
    const removed = await this.#store?.remove(id, filesAreDue);
    if (!removed) return false;
    this.#sender?.cancel(id);
    this.#channel?.tell({ kind: 'cancelled', id });
    this.#changed();
    await this.#reload();
    return true;
  }

  /** The files of an item with their bytes, to choose them once more. */
  async chosen(item: OutboxItem): Promise<ChosenFile[]> {
    const bytes = await this.#filesOf(item);
    return (item.files ?? []).flatMap(({ stored: _stored, ...file }) => {
      const found = bytes.get(file.key);
      return found ? [{ ...file, bytes: found }] : [];
    });
  }

  /** The line is back. */
  kick(): void {
    if (this.#leading) this.#sender?.kick();
    else this.#channel?.tell({ kind: 'kick' });
  }

  tellLogout(): void {
    this.#channel?.tell({ kind: 'logout' });
  }

  async #write(item: OutboxItem, files: Files = new Map()): Promise<void> {
    try {
      await this.#store!.put(item, files);
    } catch (cause) {
      if (this.#store instanceof MemoryStore) throw cause;
      // Files alone may be too much; a text would still fit.
      if (files.size > 0) throw new DeviceFull();
      await this.#fallBackToMemory();
      await this.#store!.put(item);
    }
  }

  /** The database stopped taking writes (quota, a dying disk): go on from memory and say so. */
  async #fallBackToMemory(): Promise<void> {
    const memory = new MemoryStore();
    for (const item of this.items) await memory.put(item, await this.#filesOf(item));
    this.#store = memory;
    this.durable = false;
    this.#sender?.stop();
    this.#sender = this.#newSender(memory);
    this.#lead(true);
  }

  /** The bytes of the files of an item, as far as they can still be read. */
  async #filesOf(item: OutboxItem): Promise<Files> {
    const files = new Map<string, Blob>();
    for (const { key } of item.files ?? []) {
      const bytes = await this.#store?.file(key).catch(() => null);
      if (bytes) files.set(key, bytes);
    }
    return files;
  }

  #newSender(store: OutboxStore): Sender {
    const ports: SenderPorts = {
      store,
      send: (room, id, body) => api.messages.put(room, id, body),
      upload: (file, bytes, signal) => this.#upload(file, bytes, signal),
      withFiles: ({ owner, room, id, body, files }) => {
        const attachments = namesOf(files ?? []) ?? [];
        return signed(owner, room, id, { ...body, attachments });
      },
      sent: (message) => this.#sent(message),
      changed: () => this.#changed(),
      loginNeeded: () => this.#hooks?.loginNeeded(),
    };
    return new Sender(ports);
  }

  #upload({ key, name, keep_place }: WaitingFile, bytes: Blob, signal: AbortSignal): Promise<Upload> {
    this.#hasMoved(key, 0);
    const onprogress = (sent: number) => {
      this.#hasMoved(key, sent);
      if (Date.now() - this.#toldMoved < TELL_MOVED_MS) return;
      this.#toldMoved = Date.now();
      this.#channel?.tell({ kind: 'moved', file: key, bytes: sent });
    };
    return api.attachments.upload(bytes, name, keep_place, { signal, onprogress });
  }

  #hasMoved(key: string, bytes: number): void {
    this.moved = new Map(this.moved).set(key, bytes);
  }

  #lead(leading: boolean): void {
    this.#leading = leading;
    if (leading && this.#owner) this.#sender?.start(this.#owner);
    else this.#sender?.stop();
  }

  #sent(message: Message): void {
    this.#channel?.tell({ kind: 'sent', message });
    this.#take(message);
  }

  #take(message: Message): void {
    this.#hooks?.sent(message);
    this.items = this.items.filter((item) => item.id !== message.id);
  }

  #changed(): void {
    this.#channel?.tell({ kind: 'changed' });
    if (this.#leading) this.#sender?.wake();
    void this.#reload();
  }

  #hear(notice: Notice): void {
    if (notice.kind === 'sent') this.#take(notice.message);
    else if (notice.kind === 'logout') this.#hooks?.loggedOutElsewhere();
    else if (notice.kind === 'moved') this.#hasMoved(notice.file, notice.bytes);
    else if (notice.kind === 'cancelled') this.#sender?.cancel(notice.id);
    else if (notice.kind === 'kick') {
      if (this.#leading) this.#sender?.kick();
    } else {
      void this.#reload();
      if (this.#leading) this.#sender?.wake();
    }
  }

  async #reload(): Promise<void> {
    const owner = this.#owner;
    const store = this.#store;
    if (!store) return;
    try {
      const items = await store.list(owner);
      if (owner !== this.#owner || store !== this.#store) return;
      this.items = items;
      this.others = await store.countOthers(owner);
    } catch {
      // The database is closing under us; the next change asks again.
    }
  }
}

export const outbox = new OutboxState();
