// The browser's own database. Only the outbox is precious; rooms and messages are copies for the time the node is away,
// and are wiped at logout.
import { openDB, type DBSchema, type IDBPDatabase } from 'idb';
import type { Me, Message, Room } from '$lib/api/types';
import type { OutboxItem } from '$lib/outbox/types';

export interface Profile {
  key: 'current';
  me: Me;
}

/** Keys of this device; as objects of WebCrypto that give their secret to no script. */
export type DeviceRecord =
  | { name: 'key'; pair: CryptoKeyPair }
  | {
      name: 'passcode';
      pepper: CryptoKey;
      salt: Uint8Array<ArrayBuffer>;
      verifier: ArrayBuffer;
      wrong: number;
    };

interface Schema extends DBSchema {
  outbox: { key: string; value: OutboxItem };
  /** Files of waiting messages; written and removed together with them. */
  files: { key: string; value: { key: string; owner: string; blob: Blob } };
  rooms: { key: string; value: { owner: string; rooms: Room[]; saved_at: number } };
  messages: { key: string; value: { key: string; items: Message[]; saved_at: number } };
  drafts: { key: string; value: { key: string; text: string; saved_at: number } };
  profile: { key: string; value: Profile };
  device: { key: string; value: DeviceRecord };
}

export type Database = IDBPDatabase<Schema>;

const NAME = 'noroshi';
const VERSION = 3;

let opening: Promise<Database> | null = null;

/** Rejects where the browser offers no database (some private windows); callers then work from memory. */
export function database(): Promise<Database> {
  opening ??= openDB<Schema>(NAME, VERSION, {
    upgrade(db, from) {
      if (from < 3) db.createObjectStore('files', { keyPath: 'key' });
      if (from < 2) db.createObjectStore('device', { keyPath: 'name' });
      if (from >= 1) return;
      db.createObjectStore('outbox', { keyPath: 'id' });
      db.createObjectStore('rooms', { keyPath: 'owner' });
      db.createObjectStore('messages', { keyPath: 'key' });
      db.createObjectStore('drafts', { keyPath: 'key' });
      db.createObjectStore('profile', { keyPath: 'key' });
    },
    blocking(_current, _blocked, event) {
      // Another tab brings a newer version: let it through, this one opens again at its next use.
      (event.target as IDBDatabase).close();
      opening = null;
    },
    terminated() {
      opening = null;
    },
  }).catch((cause: unknown) => {
    opening = null;
    throw cause;
  });
  return opening;
}

/** For tests. */
export async function closeDatabase(): Promise<void> {
  const db = await opening?.catch(() => null);
  db?.close();
  opening = null;
}
