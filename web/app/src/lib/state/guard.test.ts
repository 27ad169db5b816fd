import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { api, type Me } from '$lib/api';
import { noteActivity } from '$lib/device/activity';
import { closeDatabase, database } from '$lib/store/db';
import { outboxItem, settle, user } from '../../testing/fixtures';
import { guard } from './guard.svelte';
import { session } from './session.svelte';

const me = (over: Partial<Me> = {}): Me => ({
  user: user(),
  roles: ['staff'],
  device: { id: 'd', enrolled: true },
  node: { id: 'n-kita', short: 'x', name: 'x', office: '北支所' },
  passcode: { set: true, required: true },
  locked: false,
  ...over,
});

const hooks = { hide: vi.fn(), resume: vi.fn(), end: vi.fn(() => session.end()) };

beforeEach(() => {
  localStorage.clear();
  vi.clearAllMocks();
  guard.connect(hooks);
  guard.state = { kind: 'open' };
  session.me = me();
  session.status = 'active';
});

afterEach(async () => {
  vi.restoreAllMocks();
  vi.useRealTimers();
  await closeDatabase();
});

test('a session that was locked elsewhere locks here with the next word of the node', async () => {
  vi.spyOn(api.session, 'me').mockResolvedValue(me({ locked: true }));
  await session.refresh();
  expect(guard.state).toEqual({ kind: 'locked', left: null });
  expect(hooks.hide).toHaveBeenCalledTimes(1);
});

test('opening a second tab does not lock the one in use, an app opened after a while does', async () => {
  const lock = vi.spyOn(api.session, 'lock').mockResolvedValue(undefined);
  noteActivity(Date.now());
  await guard.send({ type: 'started', passcode: true, lockedAtNode: false });
  expect(guard.open).toBe(false);
  expect(lock).not.toHaveBeenCalled();
  guard.state = { kind: 'open' };
  vi.useFakeTimers({ now: Date.now() + 60_000, toFake: ['Date'] });
  await guard.send({ type: 'started', passcode: true, lockedAtNode: false });
  expect(lock).toHaveBeenCalledTimes(1);
});

test('idle locks at the node although the last key press was counted', async () => {
  const lock = vi.spyOn(api.session, 'lock').mockResolvedValue(undefined);
  noteActivity(Date.now());
  await guard.send({ type: 'idle', passcode: true });
  expect(lock).toHaveBeenCalledTimes(1);
  expect(hooks.hide).toHaveBeenCalledTimes(1);
});

test('a stopped phone has lost its messages before the promise is kept, and remembers that it was stopped', async () => {
  await (await database()).put('outbox', outboxItem({ owner: session.owner }));
  await guard.send({ type: 'refused', code: 'device_suspended' });
  expect(await (await database()).count('outbox')).toBe(0);
  expect(session.status).toBe('anonymous');
  expect(session.me).toBeNull();
  expect(localStorage.getItem('noroshi.stopped')).toBe('device_suspended');
  await guard.send({ type: 'dismissed' });
  expect(localStorage.getItem('noroshi.stopped')).toBeNull();
});

test('a suspended person loses only what is theirs', async () => {
  const db = await database();
  await db.put('outbox', outboxItem({ id: 'mine', owner: session.owner }));
  await db.put('outbox', outboxItem({ id: 'other', owner: 'u-x@n-kita' }));
  await guard.send({ type: 'refused', code: 'user_suspended' });
  expect((await db.getAll('outbox')).map((item) => item.id)).toEqual(['other']);
  await settle();
});
