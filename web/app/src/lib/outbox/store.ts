// Where the outbox is kept: IndexedDB, or memory where the browser has none (then the page says so).
import { database } from '$lib/store/db';
import type { OutboxItem, Owner } from './types';

export interface OutboxStore {
  /** Resolves once the item is on disk. */
  put(item: OutboxItem): Promise<void>;
  remove(id: string): Promise<void>;
  /** Items of one owner in sending order. */
  list(owner: Owner): Promise<OutboxItem[]>;
  /** How many items belong to somebody else. */
  countOthers(owner: Owner): Promise<number>;
}

const inOrder = (a: OutboxItem, b: OutboxItem) => a.order - b.order || (a.id < b.id ? -1 : 1);

export class IndexedDbStore implements OutboxStore {
  async put(item: OutboxItem): Promise<void> {
    const db = await database();
    // «strict» waits for the disk and not only for the operating system.
    const tx = db.transaction('outbox', 'readwrite', { durability: 'strict' });
    await Promise.all([tx.store.put(item), tx.done]);
  }

  async remove(id: string): Promise<void> {
    await (await database()).delete('outbox', id);
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

  async put(item: OutboxItem): Promise<void> {
    this.#items.set(item.id, structuredClone(item));
  }

  async remove(id: string): Promise<void> {
    this.#items.delete(id);
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
