// Removing what this browser keeps, when a device or a person has been stopped. Unlike a log-out this takes the unsent
// messages too: they must not be readable on a phone that somebody found.
import type { Owner } from '$lib/outbox/types';
import { database } from './db';

const STORES = ['outbox', 'files', 'rooms', 'messages', 'drafts', 'profile', 'device'] as const;
const PREFIX = 'noroshi.';
/** How the app looks is no secret; that it was stopped, and that the login must be given back, has to be remembered. */
const KEPT = new Set(['noroshi.settings', 'noroshi.stopped', 'noroshi.logout']);

/** Everything of everybody, the copies of the app itself, and the key of the device. */
export async function wipeAll(): Promise<void> {
  await Promise.allSettled([clearStores(), clearCaches()]);
  try {
    for (const key of Object.keys(localStorage))
      if (key.startsWith(PREFIX) && !KEPT.has(key)) localStorage.removeItem(key);
  } catch {
    // No storage, nothing kept.
  }
}

/** What one person has here; colleagues who share the computer keep their unsent messages. */
export async function wipeOwner(owner: Owner): Promise<void> {
  const db = await database();
  const tx = db.transaction(['outbox', 'files', 'rooms', 'messages', 'drafts', 'profile'], 'readwrite');
  const outbox = tx.objectStore('outbox');
  for (const item of await outbox.getAll()) if (item.owner === owner) await outbox.delete(item.id);
  const files = tx.objectStore('files');
  for (const file of await files.getAll()) if (file.owner === owner) await files.delete(file.key);
  await Promise.all([
    tx.objectStore('rooms').clear(),
    tx.objectStore('messages').clear(),
    tx.objectStore('drafts').clear(),
    tx.objectStore('profile').clear(),
    tx.done,
  ]);
}

async function clearStores(): Promise<void> {
  const db = await database();
  const tx = db.transaction(STORES, 'readwrite');
  await Promise.all([...STORES.map((name) => tx.objectStore(name).clear()), tx.done]);
}

async function clearCaches(): Promise<void> {
  const caches = globalThis.caches as CacheStorage | undefined;
  if (caches) await Promise.all((await caches.keys()).map((key) => caches.delete(key)));
}
