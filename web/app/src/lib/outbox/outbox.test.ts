import { IDBFactory } from 'fake-indexeddb';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ApiError, NetworkError } from '$lib/api/errors';
import type { Message, MessageBody } from '$lib/api/types';
import { closeDatabase, database } from '$lib/store/db';
import { message, outboxItem, settle } from '../../testing/fixtures';
import { leadByLease } from './leader';
import { backoffMs, outcomeOf } from './outcome';
import { Sender } from './sender';
import { IndexedDbStore, MemoryStore, openStore, type OutboxStore } from './store';

const OWNER = 'u-sato@n-kita';
const refuse = (status: number, code = 'x', retryAfter: number | null = null) =>
  new ApiError(status, code, '', `理由 ${status}`, retryAfter);

beforeEach(async () => {
  await closeDatabase();
  globalThis.indexedDB = new IDBFactory();
});
afterEach(() => vi.useRealTimers());

/** A sender over a store, with a node whose behaviour the test decides. */
function bench(store: OutboxStore, node: (id: string, body: MessageBody, room: string) => Promise<Message>) {
  const seen = { tried: [] as string[], sent: [] as string[], logins: 0, changes: 0 };
  const sender = new Sender({
    store,
    send(room, id, body) {
      seen.tried.push(id);
      return node(id, body, room);
    },
    upload: () => Promise.reject(new Error('no files here')),
    withFiles: (item) => Promise.resolve(item.body),
    sent: (done) => seen.sent.push(done.id),
    changed: () => seen.changes++,
    loginNeeded: () => seen.logins++,
    random: () => 0,
  });
  return { sender, seen };
}

const accept = async (id: string, body: MessageBody, room: string) =>
  message({ id, room, text: body.text, my_own: true });

describe('sending', () => {
  test('in order within a room, and gone from the store only after the node has it', async () => {
    const store = new IndexedDbStore();
    for (let i = 1; i <= 5; i++) await store.put(outboxItem({ id: `p-${i}`, order: i }));
    const { sender, seen } = bench(store, async (id, body, room) => {
      expect((await store.list(OWNER)).map((item) => item.id)).toContain(id);
      return accept(id, body, room);
    });
    sender.start(OWNER);
    await vi.waitFor(() => expect(seen.sent).toHaveLength(5));
    expect(seen.sent).toEqual(['p-1', 'p-2', 'p-3', 'p-4', 'p-5']);
    await vi.waitFor(async () => expect(await store.list(OWNER)).toEqual([]));
    sender.stop();
  });

  test('a lost answer is tried again under the same id until it is acknowledged', async () => {
    const store = new MemoryStore();
    await store.put(outboxItem({ id: 'p-1' }));
    await store.put(outboxItem({ id: 'p-2', order: 2 }));
    let failures = 3;
    const { sender, seen } = bench(store, async (id, body, room) => {
      if (id === 'p-1' && failures-- > 0) throw new NetworkError('unreachable');
      return accept(id, body, room);
    });
    sender.start(OWNER);
    for (let i = 0; i < 3; i++) {
      await settle();
      sender.kick();
    }
    await vi.waitFor(() => expect(seen.sent).toEqual(['p-1', 'p-2']));
    expect(seen.tried).toEqual(['p-1', 'p-1', 'p-1', 'p-1', 'p-2']);
    sender.stop();
  });

  test('a slow room does not hold up another', async () => {
    const store = new MemoryStore();
    await store.put(outboxItem({ id: 'slow', room: 'a' }));
    await store.put(outboxItem({ id: 'quick', room: 'b', order: 2 }));
    const { sender, seen } = bench(store, (id, body, room) =>
      id === 'slow' ? new Promise(() => undefined) : accept(id, body, room),
    );
    sender.start(OWNER);
    await vi.waitFor(() => expect(seen.sent).toEqual(['quick']));
    sender.stop();
  });

  test('retries by itself after the back-off', async () => {
    vi.useFakeTimers();
    const store = new MemoryStore();
    await store.put(outboxItem());
    let down = true;
    const { sender, seen } = bench(store, async (id, body, room) => {
      if (down) throw new NetworkError('timeout');
      return accept(id, body, room);
    });
    sender.start(OWNER);
    await vi.advanceTimersByTimeAsync(10);
    expect(seen.tried).toHaveLength(1);
    down = false;
    await vi.advanceTimersByTimeAsync(1000);
    expect(seen.sent).toEqual(['p-1']);
    sender.stop();
  });

  test('a wait the node asks for is kept even when the line comes back', async () => {
    const store = new MemoryStore();
    await store.put(outboxItem());
    const { sender, seen } = bench(store, async () => {
      throw refuse(429, 'too_many', 60);
    });
    sender.start(OWNER);
    await settle();
    sender.kick();
    await settle();
    expect(seen.tried).toHaveLength(1);
    expect((await store.list(OWNER))[0]).toMatchObject({ status: 'waiting', wait: 'busy' });
    sender.stop();
  });
});

describe('what the node refuses', () => {
  test.each([
    [409, 'conflict'],
    [422, 'invalid'],
    [403, 'forbidden'],
    [404, 'not_found'],
    [413, 'too_large'],
    [400, 'other'],
  ])('%i becomes a visible failure and lets the next one pass', async (status, kind) => {
    const store = new IndexedDbStore();
    await store.put(outboxItem({ id: 'bad' }));
    await store.put(outboxItem({ id: 'good', order: 2 }));
    const { sender, seen } = bench(store, async (id, body, room) => {
      if (id === 'bad') throw refuse(status);
      return accept(id, body, room);
    });
    sender.start(OWNER);
    await vi.waitFor(() => expect(seen.sent).toEqual(['good']));
    await settle();
    const [left] = await store.list(OWNER);
    expect(left).toMatchObject({ id: 'bad', status: 'failed', failure: { kind, detail: `理由 ${status}` } });
    expect(seen.tried.filter((id) => id === 'bad')).toHaveLength(1);
    sender.stop();
  });

  test('401 stops, asks for a login and keeps everything', async () => {
    const store = new IndexedDbStore();
    await store.put(outboxItem({ id: 'p-1' }));
    await store.put(outboxItem({ id: 'p-2', order: 2 }));
    let loggedIn = false;
    const { sender, seen } = bench(store, async (id, body, room) => {
      if (!loggedIn) throw refuse(401, 'no_session');
      return accept(id, body, room);
    });
    sender.start(OWNER);
    await vi.waitFor(() => expect(seen.logins).toBe(1));
    await settle();
    expect((await store.list(OWNER)).map((item) => item.status)).toEqual(['waiting', 'waiting']);
    expect(seen.tried).toEqual(['p-1']);
    loggedIn = true;
    sender.start(OWNER);
    await vi.waitFor(() => expect(seen.sent).toEqual(['p-1', 'p-2']));
    sender.stop();
  });

  test('a signature that is not taken is left out, and the message goes out under its id', async () => {
    const store = new IndexedDbStore();
    await store.put(outboxItem({ id: 'p-1', body: { text: '停電', urgent: true, signature: 'AAAA' } }));
    const bodies: MessageBody[] = [];
    const { sender, seen } = bench(store, async (id, body, room) => {
      bodies.push(body);
      if (body.signature) throw refuse(422, 'wrong_signature');
      return accept(id, body, room);
    });
    sender.start(OWNER);
    await vi.waitFor(() => expect(seen.sent).toEqual(['p-1']));
    expect(bodies).toEqual([
      { text: '停電', urgent: true, signature: 'AAAA' },
      { text: '停電', urgent: true },
    ]);
    sender.stop();
  });

  test('a signature is the same at every attempt, also after a reload', async () => {
    const store = new IndexedDbStore();
    await store.put(outboxItem({ id: 'p-1', body: { text: '停電', signature: 'AAAA' } }));
    const bodies: MessageBody[] = [];
    const first = bench(store, async (_id, body) => {
      bodies.push(body);
      throw new NetworkError('unreachable');
    });
    first.sender.start(OWNER);
    await vi.waitFor(() => expect(bodies).toHaveLength(1));
    await settle();
    first.sender.stop();
    await closeDatabase();
    const second = bench(new IndexedDbStore(), (id, body, room) => {
      bodies.push(body);
      return accept(id, body, room);
    });
    second.sender.start(OWNER);
    await vi.waitFor(() => expect(second.seen.sent).toEqual(['p-1']));
    expect(bodies[1]).toEqual(bodies[0]);
    second.sender.stop();
  });

  test('a device that is locked or stopped says nothing about the message', () => {
    for (const code of ['locked', 'passcode_required', 'device_suspended', 'user_suspended'])
      expect(outcomeOf(refuse(403, code)), code).toMatchObject({ kind: 'again', wait: 'login' });
    expect(outcomeOf(refuse(403, 'forbidden')).kind).toBe('failed');
  });

  test('503 and 507 wait', async () => {
    expect(outcomeOf(refuse(507, 'storage_full'))).toMatchObject({ kind: 'again', wait: 'storage' });
    expect(outcomeOf(refuse(503, 'busy', 5))).toMatchObject({
      kind: 'again',
      wait: 'busy',
      notBeforeMs: 5000,
    });
    expect(outcomeOf(refuse(500))).toMatchObject({ kind: 'again' });
    expect(outcomeOf(new NetworkError('timeout'))).toMatchObject({ kind: 'again', wait: 'network' });
  });
});

describe('what outlives what', () => {
  test('a reload in the middle of an attempt sends the same id again', async () => {
    const before = new IndexedDbStore();
    await before.put(outboxItem({ id: 'p-1' }));
    const first = bench(before, () => new Promise(() => undefined));
    first.sender.start(OWNER);
    await vi.waitFor(() => expect(first.seen.tried).toEqual(['p-1']));
    first.sender.stop();
    await closeDatabase();

    const after = new IndexedDbStore();
    const second = bench(after, accept);
    second.sender.start(OWNER);
    await vi.waitFor(() => expect(second.seen.sent).toEqual(['p-1']));
    second.sender.stop();
  });

  test('an item belongs to one person at one node', async () => {
    const store = new IndexedDbStore();
    await store.put(outboxItem({ id: 'mine' }));
    await store.put(outboxItem({ id: 'theirs', owner: 'u-ito@n-kita' }));
    const { sender, seen } = bench(store, accept);
    sender.start(OWNER);
    await vi.waitFor(() => expect(seen.sent).toEqual(['mine']));
    await settle();
    expect(await store.countOthers(OWNER)).toBe(1);
    expect(seen.tried).toEqual(['mine']);
    sender.stop();
  });

  test('nothing is sent after stop', async () => {
    const store = new MemoryStore();
    const { sender, seen } = bench(store, accept);
    sender.start(OWNER);
    sender.stop();
    await store.put(outboxItem());
    sender.wake();
    await settle();
    expect(seen.tried).toEqual([]);
  });

  test('without a database it works from memory and says so', async () => {
    vi.spyOn(globalThis.indexedDB, 'open').mockImplementation(() => {
      throw new DOMException('denied', 'SecurityError');
    });
    const { store, durable } = await openStore();
    expect(durable).toBe(false);
    await store.put(outboxItem());
    expect(await store.list(OWNER)).toHaveLength(1);
  });

  test('a closed database is opened again', async () => {
    const store = new IndexedDbStore();
    await store.put(outboxItem());
    (await database()).close();
    await closeDatabase();
    expect(await store.list(OWNER)).toHaveLength(1);
  });
});

describe('back-off', () => {
  test('doubles, has jitter in its upper half, and is capped', () => {
    expect(backoffMs(1, () => 0)).toBe(250);
    expect(backoffMs(1, () => 1)).toBe(500);
    expect(backoffMs(3, () => 1)).toBe(2000);
    expect(backoffMs(50, () => 1)).toBe(15_000);
  });
});

describe('one tab leads by lease where there are no locks', () => {
  test('the second waits, and takes over when the first is gone or dead', async () => {
    vi.useFakeTimers();
    localStorage.clear();
    const leads: string[] = [];
    const a = leadByLease(
      () => leads.push('a'),
      () => leads.push('-a'),
    );
    const b = leadByLease(
      () => leads.push('b'),
      () => leads.push('-b'),
    );
    await vi.advanceTimersByTimeAsync(3000);
    expect(leads).toEqual(['a']);
    a.resign();
    await vi.advanceTimersByTimeAsync(3000);
    expect(leads).toEqual(['a', 'b']);
    b.resign();

    localStorage.setItem('noroshi.leader', JSON.stringify({ tab: 'dead', until: Date.now() + 4000 }));
    const c = leadByLease(
      () => leads.push('c'),
      () => undefined,
    );
    await vi.advanceTimersByTimeAsync(3500);
    expect(leads).not.toContain('c');
    await vi.advanceTimersByTimeAsync(4000);
    expect(leads).toContain('c');
    c.resign();
  });
});
