import { afterEach, expect, test, vi } from 'vitest';
import { ApiError, NetworkError } from './errors';
import { upload } from './upload';

/** A request whose course the test decides. */
function fake(headers: Record<string, string> = {}) {
  const request = {
    upload: {} as { onprogress?: (event: { loaded: number }) => void },
    status: 0,
    responseText: '',
    opened: [] as string[],
    headers: new Map<string, string>(),
    open: (...args: string[]) => void (request.opened = args),
    setRequestHeader: (name: string, value: string) => void request.headers.set(name, value),
    getResponseHeader: (name: string) => headers[name] ?? null,
    send: vi.fn(),
    abort: () => request.onabort?.(),
    onload: undefined as (() => void) | undefined,
    onerror: undefined as (() => void) | undefined,
    onabort: undefined as (() => void) | undefined,
    answer(status: number, text: string) {
      request.status = status;
      request.responseText = text;
      request.onload?.();
    },
  };
  return { request, open: () => request as unknown as XMLHttpRequest };
}

const file = new Blob(['abc'], { type: 'image/jpeg' });
afterEach(() => vi.useRealTimers());

test('it says how much has gone and answers what the node made of it', async () => {
  const { request, open } = fake();
  const seen: number[] = [];
  const done = upload('/attachments?name=x', file, { onprogress: (sent) => seen.push(sent) }, open);
  request.upload.onprogress?.({ loaded: 2 });
  request.upload.onprogress?.({ loaded: 3 });
  request.answer(201, '{"hash":"ab"}');
  expect(await done).toEqual({ hash: 'ab' });
  expect(seen).toEqual([2, 3]);
  expect(request.opened).toEqual(['POST', '/api/v1/attachments?name=x']);
  expect(request.headers.get('X-Noroshi')).toBe('1');
});

test('a refusal is the sentence of the node', async () => {
  const { request, open } = fake({ 'Retry-After': '7' });
  const done = upload('/attachments', file, {}, open);
  request.answer(507, '{"code":"attachment_quota","detail":"添付の領域がいっぱいです。"}');
  const error = await done.catch((cause: unknown) => cause);
  expect(error).toBeInstanceOf(ApiError);
  expect(error).toMatchObject({ status: 507, code: 'attachment_quota', retryAfter: 7 });
});

test.each([
  ['a cut line', (request: ReturnType<typeof fake>['request']) => request.onerror?.()],
  [
    'an answer that is no JSON',
    (request: ReturnType<typeof fake>['request']) => request.answer(502, '<html>'),
  ],
])('%s is no success', async (_name, act) => {
  const { request, open } = fake();
  const done = upload('/attachments', file, {}, open).catch((cause: unknown) => cause);
  act(request);
  expect(await done).toBeInstanceOf(Error);
});

test('what does not move for a minute is given up, however slow it may be before', async () => {
  vi.useFakeTimers();
  const { request, open } = fake();
  const done = upload('/attachments', file, {}, open).catch((cause: unknown) => cause);
  for (let sent = 1; sent <= 3; sent++) {
    vi.advanceTimersByTime(59_000);
    request.upload.onprogress?.({ loaded: sent });
  }
  vi.advanceTimersByTime(60_000);
  expect(await done).toMatchObject({ reason: 'timeout' });
});

test('taken back before and while it goes', async () => {
  const abort = new AbortController();
  const { request, open } = fake();
  const done = upload('/attachments', file, { signal: abort.signal }, open).catch((cause: unknown) => cause);
  expect(request.send).toHaveBeenCalledOnce();
  abort.abort();
  expect(await done).toBeInstanceOf(NetworkError);
  const late = fake();
  await upload('/attachments', file, { signal: abort.signal }, late.open).catch(() => undefined);
  expect(late.request.send).not.toHaveBeenCalled();
});
