// Sends the outbox: in order within a room, rooms side by side, the same id until the node has it on disk. Knows nothing
// of the page; whoever leads among the tabs runs one.
import type { Message, MessageBody, Upload } from '$lib/api/types';
import { ApiError } from '$lib/api/errors';
import { backoffMs, outcomeOf, type Outcome } from './outcome';
import type { OutboxStore } from './store';
import { filesAreDue, withoutUploads, type OutboxItem, type Owner, type WaitingFile } from './types';

export interface SenderPorts {
  store: OutboxStore;
  send(room: string, id: string, body: MessageBody): Promise<Message>;
  /** Gives the node one file. Rejects when aborted. */
  upload(file: WaitingFile, bytes: Blob, signal: AbortSignal): Promise<Upload>;
  /** The body with its files, now that the node has them all; signed where this device can. */
  withFiles(item: OutboxItem): Promise<MessageBody>;
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

/** The bytes of a file are no longer in the browser: nothing but choosing it again helps. */
class FileGone extends Error {}

/** Says which file it was. */
class FileRefused extends Error {
  constructor(
    readonly file: string,
    override readonly cause: unknown,
  ) {
    super(file);
  }
}

export class Sender {
  #owner: Owner | null = null;
  #busy = new Set<string>();
  /** Files go one after the other, and hold no other message up: a photo must not delay a word. */
  #uploading: { id: string; abort: AbortController } | null = null;
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

  /** The person took it back. */
  cancel(id: string): void {
    if (this.#uploading?.id === id) this.#uploading.abort.abort();
  }

  stop(): void {
    this.#owner = null;
    this.#uploading?.abort.abort();
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
    const withFiles: OutboxItem[] = [];
    for (const item of await this.ports.store.list(owner))
      if (item.status !== 'waiting') continue;
      else if (filesAreDue(item)) withFiles.push(item);
      else if (!heads.has(item.room)) heads.set(item.room, item);

    clearTimeout(this.#timer);
    let soonest = Infinity;
    const isDue = (item: OutboxItem): boolean => {
      // A wait the node asked for is kept even when impatient.
      const due = impatient && item.wait !== 'busy' ? 0 : item.next_at;
      if (due > this.#now()) soonest = Math.min(soonest, due);
      return due <= this.#now();
    };
    for (const item of heads.values())
      if (!this.#busy.has(item.room) && isDue(item) && this.#busy.size < ROOMS_AT_ONCE)
        void this.#attempt(item);
    for (const item of withFiles) if (this.#uploading === null && isDue(item)) void this.#sendFiles(item);
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

  /** Gives the node what it does not have yet of the files of one message. What has arrived is not sent again. */
  async #sendFiles(item: OutboxItem): Promise<void> {
    const abort = new AbortController();
    this.#uploading = { id: item.id, abort };
    let current: OutboxItem | null = item;
    try {
      for (const file of item.files ?? []) {
        if (file.stored) continue;
        const stored = await this.#sendFile(file, abort.signal);
        current = await this.ports.store.update(item.id, (now) => ({
          ...now,
          attempts: 0,
          wait: null,
          files: (now.files ?? []).map((one) => (one.key === file.key ? { ...one, stored } : one)),
        }));
        if (!current) return;
        this.ports.changed();
      }
      const body = await this.ports.withFiles(current);
      await this.ports.store.update(item.id, (now) => ({ ...now, body, wait: null, next_at: 0 }));
      this.ports.changed();
    } catch (error) {
      if (!abort.signal.aborted) await this.#settle(current ?? item, error).catch(() => undefined);
    } finally {
      this.#uploading = null;
      if (this.#owner !== null) void this.#pump();
    }
  }

  async #sendFile(file: WaitingFile, signal: AbortSignal): Promise<Upload> {
    const bytes = await this.ports.store.file(file.key);
    try {
      if (!bytes) throw new FileGone(file.key);
      return await this.ports.upload(file, bytes, signal);
    } catch (cause) {
      throw new FileRefused(file.name, cause);
    }
  }

  async #settle(item: OutboxItem, thrown: unknown): Promise<void> {
    const { error, file } =
      thrown instanceof FileRefused
        ? { error: thrown.cause, file: { file: thrown.file } }
        : { error: thrown, file: {} };
    const outcome: Outcome =
      error instanceof FileGone
        ? { kind: 'failed', failure: { kind: 'other', code: 'file_gone', detail: '' } }
        : outcomeOf(error);
    const attempts = item.attempts + 1;
    const change = (change: Partial<OutboxItem>) =>
      this.ports.store.update(item.id, (now) => ({ ...now, ...change }));
    if (outcome.kind === 'failed') {
      await change({ attempts, status: 'failed', wait: null, failure: { ...outcome.failure, ...file } });
    } else if (outcome.kind === 'unsigned') {
      // What a person said is worth more than the proof of who said it.
      const { signature: _refused, ...body } = item.body;
      await change({ attempts, body, wait: null, next_at: 0 });
    } else if (outcome.kind === 'files-gone') {
      await this.#sendAnew(item, error);
    } else if (outcome.kind === 'login') {
      this.stop();
      await change({ wait: 'login', next_at: 0 });
      this.ports.loginNeeded();
    } else {
      const next_at = this.#now() + Math.max(outcome.notBeforeMs, backoffMs(attempts, this.#random));
      await change({ attempts, wait: outcome.wait, next_at });
    }
    this.ports.changed();
  }

  /** Once: a node that takes a file and does not know it afterwards would else be given it for ever. */
  async #sendAnew(item: OutboxItem, error: unknown): Promise<void> {
    const detail = error instanceof ApiError ? error.detail : '';
    await this.ports.store.update(item.id, (now) =>
      item.sent_anew || (item.files?.length ?? 0) === 0
        ? {
            ...now,
            status: 'failed',
            wait: null,
            failure: { kind: 'invalid', code: 'attachment_unknown', detail },
          }
        : { ...withoutUploads(now), sent_anew: true, attempts: item.attempts + 1, wait: null, next_at: 0 },
    );
  }
}
