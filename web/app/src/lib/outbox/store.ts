// Where the outbox is kept: IndexedDB, or memory where the browser has none (then the page says so).
import { database, type Database } from '$lib/store/db';
import type { OutboxItem, Owner } from './types';

/** The bytes of the files of a message, by their keys. */
export type Files = ReadonlyMap<string, Blob>;

export interface OutboxStore {
  /** Resolves once the item is on disk, together with the files given. */
  put(item: OutboxItem, files?: Files): Promise<void>;
  /** Changes an item that is still there; null when it is gone. */
  update(id: string, change: (item: OutboxItem) => OutboxItem): Promise<OutboxItem | null>;
  /** The same message under another id. Its files stay. */
  rename(id: string, item: OutboxItem): Promise<void>;
  /** Removes the item with its files, if it is there and `test` allows it; answers what was removed. */
  remove(id: string, test?: (item: OutboxItem) => boolean): Promise<OutboxItem | null>;
  file(key: string): Promise<Blob | null>;
  /** Items of one owner in sending order. */
  list(owner: Owner): Promise<OutboxItem[]>;
  /** How many items belong to somebody else. */
  countOthers(owner: Owner): Promise<number>;
}

const inOrder = (a: OutboxItem, b: OutboxItem) => a.order - b.order || (a.id < b.id ? -1 : 1);

/** «strict» waits for the disk and not only for the operating system. */
const begin = (db: Database) => db.transaction(['outbox', 'files'], 'readwrite', { durability: 'strict' });

export class IndexedDbStore implements OutboxStore {
  async put(item: OutboxItem, files: Files = new Map()): Promise<void> {
    const tx = begin(await database());
    const blobs = [...files].map(([key, blob]) =>
      tx.objectStore('files').put({ key, owner: item.owner, blob }),
    );
    await Promise.all([tx.objectStore('outbox').put(item), ...blobs, tx.done]);
  }

  async update(id: string, change: (item: OutboxItem) => OutboxItem): Promise<OutboxItem | null> {
    const tx = begin(await database());
    const before = await tx.objectStore('outbox').get(id);
    const after = before ? change(before) : null;
    if (after) await tx.objectStore('outbox').put(after);
    await tx.done;
    return after;
  }

  async rename(id: string, item: OutboxItem): Promise<void> {
    const tx = begin(await database());
    const items = tx.objectStore('outbox');
    await Promise.all([items.put(item), items.delete(id), tx.done]);
  }

  async remove(id: string, test: (item: OutboxItem) => boolean = () => true): Promise<OutboxItem | null> {
    const tx = begin(await database());
    const item = await tx.objectStore('outbox').get(id);
    const removed = item && test(item) ? item : null;
    if (removed) {
      await tx.objectStore('outbox').delete(id);
      for (const { key } of removed.files ?? []) await tx.objectStore('files').delete(key);
    }
    await tx.done;
    return removed;
  }

  async file(key: string): Promise<Blob | null> {
    return (await (await database()).get('files', key))?.blob ?? null;
  }

  async list(owner: Owner): Promise<OutboxItem[]> {
    const all = await (await database()).getAll('outbox');
    return all.filter((item) => item.owner === owner).sort(inOrder);
  }

  async countOthers(owner: Owner): Promise<number> {
    const all = await (await database()).getAll('outbox');
    return all.filter((item) => item.owner !== owner).length;
  }
}

export class MemoryStore implements OutboxStore {
  #items = new Map<string, OutboxItem>();
  #files = new Map<string, Blob>();

  async put(item: OutboxItem, files: Files = new Map()): Promise<void> {
    this.#items.set(item.id, structuredClone(item));
    for (const [key, blob] of files) this.#files.set(key, blob);
  }

  async update(id: string, change: (item: OutboxItem) => OutboxItem): Promise<OutboxItem | null> {
    const before = this.#items.get(id);
    if (!before) return null;
    const after = structuredClone(change(before));
    this.#items.set(id, after);
    return after;
  }

  async rename(id: string, item: OutboxItem): Promise<void> {
    this.#items.delete(id);
    await this.put(item);
  }

  async remove(id: string, test: (item: OutboxItem) => boolean = () => true): Promise<OutboxItem | null> {
    const item = this.#items.get(id);
    if (!item || !test(item)) return null;
    this.#items.delete(id);
    for (const { key } of item.files ?? []) this.#files.delete(key);
    return item;
  }

  async file(key: string): Promise<Blob | null> {
    return this.#files.get(key) ?? null;
  }

  async list(owner: Owner): Promise<OutboxItem[]> {
    return [...this.#items.values()].filter((item) => item.owner === owner).sort(inOrder);
  }

  async countOthers(owner: Owner): Promise<number> {
    return [...this.#items.values()].filter((item) => item.owner !== owner).length;
  }
}

/** IndexedDB if it can really be written here. */
export async function openStore(): Promise<{ store: OutboxStore; durable: boolean }> {
  try {
    await database();
    return { store: new IndexedDbStore(), durable: true };
  } catch {
    return { store: new MemoryStore(), durable: false };
  }
}
