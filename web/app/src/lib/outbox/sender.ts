// Sends the outbox: in order within a room, rooms side by side, the same id until the node has it on disk. Knows nothing
// of the page; whoever leads among the tabs runs one.
import type { Message, MessageBody } from '$lib/api/types';
import { backoffMs, outcomeOf } from './outcome';
import type { OutboxStore } from './store';
import type { OutboxItem, Owner } from './types';

export interface SenderPorts {
  store: OutboxStore;
  send(room: string, id: string, body: MessageBody): Promise<Message>;
  /** The node has it on disk. Called before the item leaves the store. */
  sent(message: Message): void;
  /** Something in the store changed. */
  changed(): void;
  /** The node wants a new login; the sender is paused until `start`. */
  loginNeeded(): void;
  now?: () => number;
  random?: () => number;
}

const ROOMS_AT_ONCE = 4;

export class Sender {
  #owner: Owner | null = null;
  #busy = new Set<string>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #pumping = false;
  #again = false;
  readonly #now: () => number;
  readonly #random: () => number;

  constructor(private readonly ports: SenderPorts) {
    this.#now = ports.now ?? Date.now;
    this.#random = ports.random ?? Math.random;
  }

  start(owner: Owner): void {
    this.#owner = owner;
    this.kick();
  }

  stop(): void {
    this.#owner = null;
    clearTimeout(this.#timer);
  }

  /** Looks at the store again. */
  wake(): void {
    void this.#pump();
  }

  /** The line is back, or the person asked: do not wait for the back-off. */
  kick(): void {
    this.#impatient = true;
    void this.#pump();
  }
  #impatient = false;

  async #pump(): Promise<void> {
    if (this.#pumping) {
      this.#again = true;
      return;
    }
    this.#pumping = true;
    try {
      do {
        this.#again = false;
        await this.#round();
      } while (this.#again);
    } catch {
      // The database did not answer; nothing is lost, look again soon.
      this.#wakeIn(1000);
    } finally {
      this.#pumping = false;
    }
  }

  async #round(): Promise<void> {
    const owner = this.#owner;
    if (owner === null) return;
    const impatient = this.#impatient;
    this.#impatient = false;
    const heads = new Map<string, OutboxItem>();
    for (const item of await this.ports.store.list(owner))
      if (item.status === 'waiting' && !heads.has(item.room)) heads.set(item.room, item);

    clearTimeout(this.#timer);
    let soonest = Infinity;
    for (const item of heads.values()) {
      if (this.#busy.has(item.room)) continue;
      // A wait the node asked for is kept even when impatient.
      const due = impatient && item.wait !== 'busy' ? 0 : item.next_at;
      if (due > this.#now()) soonest = Math.min(soonest, due);
      else if (this.#busy.size < ROOMS_AT_ONCE) void this.#attempt(item);
    }
    if (soonest < Infinity) this.#wakeIn(soonest - this.#now());
  }

  #wakeIn(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#pump(), Math.max(0, ms));
  }

  async #attempt(item: OutboxItem): Promise<void> {
    const owner = this.#owner;
    this.#busy.add(item.room);
    try {
      const message = await this.ports.send(item.room, item.id, item.body);
      this.ports.sent(message);
      await this.ports.store.remove(item.id);
      this.ports.changed();
    } catch (error) {
      await this.#settle(item, error).catch(() => undefined);
    } finally {
      this.#busy.delete(item.room);
      if (this.#owner !== null && this.#owner === owner) void this.#pump();
    }
  }

  async #settle(item: OutboxItem, error: unknown): Promise<void> {
    const outcome = outcomeOf(error);
    const attempts = item.attempts + 1;
    if (outcome.kind === 'failed') {
      await this.ports.store.put({
        ...item,
        attempts,
        status: 'failed',
        wait: null,
        failure: outcome.failure,
      });
    } else if (outcome.kind === 'unsigned') {
      // What a person said is worth more than the proof of who said it.
      const { signature: _refused, ...body } = item.body;
      await this.ports.store.put({ ...item, attempts, body, wait: null, next_at: 0 });
    } else if (outcome.kind === 'login') {
      this.stop();
      await this.ports.store.put({ ...item, wait: 'login', next_at: 0 });
      this.ports.loginNeeded();
    } else {
      const next_at = this.#now() + Math.max(outcome.notBeforeMs, backoffMs(attempts, this.#random));
      await this.ports.store.put({ ...item, attempts, wait: outcome.wait, next_at });
    }
    this.ports.changed();
  }
}
