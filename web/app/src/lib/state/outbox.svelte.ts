// The outbox as the page sees it: what this person has sent and the node has not acknowledged, the same in every tab.
import { api, type Message, type MessageBody } from '$lib/api';
import { signMessage } from '$lib/device/signer';
import { uuidv7 } from '$lib/ids/uuid';
import { openChannel, type Notice, type TabChannel } from '$lib/outbox/channel';
import { lead, type Leadership } from '$lib/outbox/leader';
import { Sender } from '$lib/outbox/sender';
import { MemoryStore, openStore, type OutboxStore } from '$lib/outbox/store';
import { userOf, type OutboxItem, type Owner } from '$lib/outbox/types';
import { session } from './session.svelte';

export interface Draft {
  room: string;
  body: MessageBody;
  preview: OutboxItem['preview'];
}

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

class OutboxState {
  items = $state.raw<OutboxItem[]>([]);
  /** False where the browser keeps nothing: the page then says so. */
  durable = $state(true);
  /** Items of other people in this browser. */
  others = $state(0);

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

  get waiting(): number {
    return this.items.filter((item) => item.status === 'waiting').length;
  }

  get failed(): number {
    return this.items.filter((item) => item.status === 'failed').length;
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
    this.#sender = new Sender({
      store,
      send: (room, id, body) => api.messages.put(room, id, body),
      sent: (message) => this.#sent(message),
      changed: () => this.#changed(),
      loginNeeded: () => this.#hooks?.loginNeeded(),
    });
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
    this.#owner = '';
  }

  /** Resolves once the message is safe on this device (or, without a database, in memory). */
  async add({ room, body, preview }: Draft): Promise<OutboxItem> {
    const store = this.#store;
    if (!store || !this.#owner) throw new Error('outbox is not started');
    const now = Date.now();
    this.#lastOrder = Math.max(now, this.#lastOrder + 1);
    const [owner, order, id] = [this.#owner, this.#lastOrder, uuidv7(now)];
    const item: OutboxItem = {
      id,
      owner,
      room,
      body: await signed(owner, room, id, body),
      preview,
      created_at: now,
      order,
      status: 'waiting',
      attempts: 0,
      next_at: 0,
      wait: null,
      failure: null,
    };
    await this.#write(item);
    this.items = [...this.items, item];
    this.#changed();
    return item;
  }

  /** Sends a failed item again; after a conflict under a new id, because the old one can never be accepted. */
  async retry(id: string): Promise<void> {
    const item = this.items.find((one) => one.id === id);
    if (!item) return;
    const again: OutboxItem = {
      ...item,
      status: 'waiting',
      attempts: 0,
      next_at: 0,
      wait: null,
      failure: null,
    };
    if (item.failure?.kind === 'conflict') {
      again.id = uuidv7();
      again.body = await signed(again.owner, again.room, again.id, again.body);
      await this.#write(again);
      await this.#store?.remove(item.id);
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

  /** The line is back. */
  kick(): void {
    if (this.#leading) this.#sender?.kick();
    else this.#channel?.tell({ kind: 'kick' });
  }

  tellLogout(): void {
    this.#channel?.tell({ kind: 'logout' });
  }

  async #write(item: OutboxItem): Promise<void> {
    try {
      await this.#store!.put(item);
    } catch (cause) {
      if (this.#store instanceof MemoryStore) throw cause;
      await this.#fallBackToMemory();
      await this.#store!.put(item);
    }
  }

  /** The database stopped taking writes (quota, a dying disk): go on from memory and say so. */
  async #fallBackToMemory(): Promise<void> {
    const memory = new MemoryStore();
    for (const item of this.items) await memory.put(item);
    this.#store = memory;
    this.durable = false;
    this.#sender?.stop();
    this.#sender = new Sender({
      store: memory,
      send: (room, id, body) => api.messages.put(room, id, body),
      sent: (message) => this.#sent(message),
      changed: () => this.#changed(),
      loginNeeded: () => this.#hooks?.loginNeeded(),
    });
    this.#lead(true);
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
