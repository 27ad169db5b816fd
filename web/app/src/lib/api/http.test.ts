import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ApiError, GivenUp, NetworkError } from './errors';
import { get, post, request, whenKeyLocked, whenShut, whenUnauthorised } from './http';

const calls: { path: string; init: RequestInit }[] = [];
let answers: Response[] = [];

const json = (status: number, body: unknown = {}) => new Response(JSON.stringify(body), { status });
const refusal = (code: string, status = 403, extra = {}) => json(status, { code, detail: code, ...extra });

beforeEach(() => {
  calls.length = 0;
  vi.stubGlobal('fetch', async (path: string, init: RequestInit) => {
    calls.push({ path, init });
    const answer = answers.shift();
    if (!answer) throw new TypeError('no line');
    return answer;
  });
});

afterEach(() => {
  vi.unstubAllGlobals();
  whenKeyLocked(() => Promise.resolve(false));
  whenShut(() => {});
  whenUnauthorised(() => {});
});

test('an act that needs the key asks for it and is then done, once', async () => {
  answers = [refusal('console_locked'), json(201, { id: 'p' })];
  const asked = vi.fn(() => Promise.resolve(true));
  whenKeyLocked(asked);
  expect(await post('/people', { name: 'x' })).toEqual({ id: 'p' });
  expect(asked).toHaveBeenCalledTimes(1);
  expect(calls.map((call) => call.init.body)).toEqual(['{"name":"x"}', '{"name":"x"}']);
});

test('a person who gives up has not failed, and nothing is repeated', async () => {
  answers = [refusal('console_locked')];
  await expect(post('/people', {})).rejects.toBeInstanceOf(GivenUp);
  expect(calls).toHaveLength(1);
});

test('a key that locks again in between is not asked for without end', async () => {
  answers = [refusal('console_locked'), refusal('console_locked')];
  whenKeyLocked(() => Promise.resolve(true));
  await expect(post('/people', {})).rejects.toMatchObject({ code: 'console_locked' });
  expect(calls).toHaveLength(2);
});

test('a stopped device is told to the page, but a refused log-in is not', async () => {
  const shut = vi.fn();
  whenShut(shut);
  answers = [refusal('device_suspended'), refusal('user_suspended'), refusal('locked'), refusal('forbidden')];
  for (const path of ['/me', '/rooms', '/users', '/offices']) await get(path).catch(() => undefined);
  expect(shut.mock.calls.flat()).toEqual(['device_suspended', 'user_suspended', 'locked']);
  answers = [refusal('user_suspended')];
  await expect(post('/session', {})).rejects.toBeInstanceOf(ApiError);
  expect(shut).toHaveBeenCalledTimes(3);
});

test('attempts left come with the refusal', async () => {
  answers = [refusal('wrong_passcode', 403, { left: 7 })];
  await expect(post('/session/unlock', { passcode: '1' })).rejects.toMatchObject({ left: 7 });
});

test('a file travels as it is, with its own type', async () => {
  answers = [json(201, { id: 'i' })];
  const file = new Blob(['a,b'], { type: 'text/csv' });
  await request('POST', '/imports', file);
  expect(calls[0]?.init.body).toBe(file);
  expect(calls[0]?.init.headers).toMatchObject({ 'Content-Type': 'text/csv', 'X-Noroshi': '1' });
});

test('a broken line is not a refusal', async () => {
  answers = [];
  await expect(get('/me')).rejects.toBeInstanceOf(NetworkError);
});
