// Copies of what was last seen, so that the page opens and shows something while the node is away. Losing them costs
// nothing, so every failure here is silent; wiping them is not optional, so that one throws.
import type { Me, Message, Room } from '$lib/api/types';
import { database } from './db';

const MESSAGES_A_ROOM = 50;

async function quietly<T>(work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch {
    return null;
  }
}

/** Plain data: reactive proxies cannot be stored. */
const plain = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;
const messagesKey = (owner: string, room: string) => `${owner}/${room}`;

export const cache = {
  saveProfile: (me: Me) =>
    quietly(async () => (await database()).put('profile', { key: 'current', me: plain(me) })),
  profile: () => quietly(async () => (await (await database()).get('profile', 'current'))?.me ?? null),

  saveRooms: (owner: string, rooms: Room[]) =>
    quietly(async () =>
      (await database()).put('rooms', { owner, rooms: plain(rooms), saved_at: Date.now() }),
    ),
  rooms: (owner: string) =>
    quietly(async () => (await (await database()).get('rooms', owner))?.rooms ?? null),

  saveMessages: (owner: string, room: string, items: Message[]) =>
    quietly(async () =>
      (await database()).put('messages', {
        key: messagesKey(owner, room),
        items: plain(items.slice(-MESSAGES_A_ROOM)),
        saved_at: Date.now(),
      }),
    ),
  messages: (owner: string, room: string) =>
    quietly(async () => (await (await database()).get('messages', messagesKey(owner, room)))?.items ?? null),

  /** What others wrote. Drafts are the person's own and survive a login that ran out. */
  async wipe({ drafts }: { drafts: boolean }): Promise<void> {
    const db = await quietly(database);
    if (!db) return;
    const stores = ['rooms', 'messages', 'profile', ...(drafts ? (['drafts'] as const) : [])] as const;
    const tx = db.transaction(stores, 'readwrite');
    await Promise.all([...stores.map((name) => tx.objectStore(name).clear()), tx.done]);
  },

  /** Ask the browser not to evict the outbox; it may refuse, and does not exist on plain http. */
  persist: () => quietly(async () => navigator.storage.persist()),
};
