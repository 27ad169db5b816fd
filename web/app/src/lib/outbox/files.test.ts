// Files of waiting messages: kept with the message, sent once each, and never in the way of words.
import { IDBFactory } from 'fake-indexeddb';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ApiError, NetworkError } from '$lib/api/errors';
import type { MessageBody, Upload } from '$lib/api/types';
import { closeDatabase, database } from '$lib/store/db';
import { wipeOwner } from '$lib/store/wipe';
import { message, outboxItem, settle, upload, waitingFile } from '../../testing/fixtures';
import { Sender } from './sender';
import { IndexedDbStore, MemoryStore, type OutboxStore } from './store';
import { filesAreDue, namesOf, type OutboxItem, type WaitingFile } from './types';

const OWNER = 'u-sato@n-kita';
const refuse = (status: number, code: string) => new ApiError(status, code, '', `理由 ${code}`, null);
const bytes = new Blob(['x']);

beforeEach(async () => {
  await closeDatabase();
  globalThis.indexedDB = new IDBFactory();
});
afterEach(() => vi.useRealTimers());

interface Node {
  upload?: (file: WaitingFile, signal: AbortSignal) => Promise<Upload>;
  send?: (body: MessageBody) => void;
}

function bench(store: OutboxStore, node: Node = {}) {
  const seen = { uploaded: [] as string[], sent: [] as string[], bodies: [] as MessageBody[] };
  const sender = new Sender({
    store,
    async send(room, id, body) {
      node.send?.(body);
      seen.bodies.push(body);
      return message({ id, room, my_own: true });
    },
    async upload(file, _bytes, signal) {
      seen.uploaded.push(file.key);
      return node.upload ? node.upload(file, signal) : upload({ name: file.name, hash: `hash-${file.key}` });
    },
    withFiles: async ({ body, files }) => ({
      ...body,
      attachments: namesOf(files ?? []) ?? [],
      signature: 's',
    }),
    sent: (done) => seen.sent.push(done.id),
    changed: () => undefined,
    loginNeeded: () => undefined,
    random: () => 0,
  });
  return { sender, seen };
}

const withFiles = (keys: string[], over: Partial<OutboxItem> = {}) =>
  outboxItem({
    body: { text: '' },
    files: keys.map((key) => waitingFile({ key, name: `${key}.jpg` })),
    ...over,
  });
const blobs = (keys: string[]) => new Map(keys.map((key) => [key, bytes]));

test('every file goes once, then the message names them in their order and is signed', async () => {
  const store = new MemoryStore();
  await store.put(withFiles(['a', 'b']), blobs(['a', 'b']));
  const { sender, seen } = bench(store);
  sender.start(OWNER);
  await vi.waitFor(() => expect(seen.sent).toEqual(['p-1']));
  expect(seen.uploaded).toEqual(['a', 'b']);
  expect(seen.bodies[0]?.attachments).toEqual([
    { hash: 'hash-a', name: 'a.jpg' },
    { hash: 'hash-b', name: 'b.jpg' },
  ]);
  expect(seen.bodies[0]?.signature).toBe('s');
  await vi.waitFor(async () => expect(await store.file('a')).toBeNull());
  sender.stop();
});

test('a photo that takes long holds up no word, not even in its own room', async () => {
  const store = new MemoryStore();
  await store.put(withFiles(['a'], { id: 'photo', order: 1 }), blobs(['a']));
  await store.put(outboxItem({ id: 'word', order: 2 }));
  const { sender, seen } = bench(store, { upload: () => new Promise(() => undefined) });
  sender.start(OWNER);
  await vi.waitFor(() => expect(seen.sent).toEqual(['word']));
  sender.stop();
});

test('after a cut only what the node does not have yet is sent again', async () => {
  const store = new MemoryStore();
  await store.put(withFiles(['a', 'b']), blobs(['a', 'b']));
  let cut = true;
  const { sender, seen } = bench(store, {
    async upload(file) {
      if (file.key === 'b' && cut) throw new NetworkError('unreachable');
      return upload({ name: file.name });
    },
  });
  sender.start(OWNER);
  await vi.waitFor(async () => expect((await store.list(OWNER))[0]?.wait).toBe('network'));
  cut = false;
  sender.kick();
  await vi.waitFor(() => expect(seen.sent).toEqual(['p-1']));
  expect(seen.uploaded).toEqual(['a', 'b', 'b']);
  sender.stop();
});

test('a refused file fails the message in words that name the file', async () => {
  const store = new MemoryStore();
  await store.put(withFiles(['a']), blobs(['a']));
  const { sender } = bench(store, {
    upload: () => Promise.reject(refuse(415, 'attachment_kind_refused')),
  });
  sender.start(OWNER);
  await vi.waitFor(async () => expect((await store.list(OWNER))[0]?.status).toBe('failed'));
  expect((await store.list(OWNER))[0]?.failure).toEqual({
    kind: 'invalid',
    code: 'attachment_kind_refused',
    detail: '理由 attachment_kind_refused',
    file: 'a.jpg',
  });
  sender.stop();
});

test('a file whose bytes are gone from the browser says so', async () => {
  const store = new MemoryStore();
  await store.put(withFiles(['a']));
  const { sender } = bench(store);
  sender.start(OWNER);
  await vi.waitFor(async () => expect((await store.list(OWNER))[0]?.failure?.code).toBe('file_gone'));
  sender.stop();
});

test('taken back while it is sent: the sending stops and nothing comes back', async () => {
  const store = new MemoryStore();
  await store.put(withFiles(['a']), blobs(['a']));
  const { sender, seen } = bench(store, {
    upload: (_file, signal) =>
      new Promise((_, reject) =>
        signal.addEventListener('abort', () => reject(new NetworkError('unreachable'))),
      ),
  });
  sender.start(OWNER);
  await vi.waitFor(() => expect(seen.uploaded).toEqual(['a']));
  expect(await store.remove('p-1', filesAreDue)).not.toBeNull();
  sender.cancel('p-1');
  await settle();
  expect(await store.list(OWNER)).toEqual([]);
  expect(seen.sent).toEqual([]);
  sender.stop();
});

test('it cannot be taken back once the node may have the message', async () => {
  const store = new MemoryStore();
  await store.put(
    outboxItem({ files: [waitingFile({ stored: upload() })], body: { text: '', attachments: [] } }),
  );
  expect(await store.remove('p-1', filesAreDue)).toBeNull();
});

test('files the node has let go of are sent once more, and not for ever', async () => {
  const store = new MemoryStore();
  await store.put(withFiles(['a']), blobs(['a']));
  const { sender, seen } = bench(store, {
    send() {
      throw refuse(422, 'attachment_unknown');
    },
  });
  sender.start(OWNER);
  await vi.waitFor(async () => expect((await store.list(OWNER))[0]?.status).toBe('failed'));
  expect(seen.uploaded).toEqual(['a', 'a']);
  sender.stop();
});

describe.each([
  ['database', () => new IndexedDbStore()],
  ['memory', () => new MemoryStore()],
])('kept in %s', (_name, open: () => OutboxStore) => {
  test('the files come and go with their message, and stay when it is renamed', async () => {
    const store = open();
    await store.put(withFiles(['a']), blobs(['a']));
    expect(await store.file('a')).not.toBeNull();
    await store.rename('p-1', withFiles(['a'], { id: 'p-2' }));
    expect((await store.list(OWNER)).map((item) => item.id)).toEqual(['p-2']);
    expect(await store.file('a')).not.toBeNull();
    await store.remove('p-2');
    expect(await store.file('a')).toBeNull();
  });

  test('what is gone is not brought back by a change', async () => {
    const store = open();
    expect(await store.update('p-1', (item) => item)).toBeNull();
    expect(await store.list(OWNER)).toEqual([]);
  });
});

test('wiping one person takes the files too, and leaves those of others', async () => {
  const store = new IndexedDbStore();
  await store.put(withFiles(['a']), blobs(['a']));
  await store.put(withFiles(['b'], { id: 'p-2', owner: 'u-other@n-kita' }), blobs(['b']));
  await wipeOwner(OWNER);
  expect(await (await database()).getAllKeys('files')).toEqual(['b']);
});
