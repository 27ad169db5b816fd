// The one place that calls fetch. The login lives in an HttpOnly cookie, so no secret ever passes through here; writes
// carry `X-Noroshi: 1`, which a foreign page cannot set.
import { language } from '$lib/i18n';
import { ApiError, GivenUp, NetworkError, problemOf } from './errors';

export const API = '/api/v1';
const TIMEOUT_MS = 15_000;

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** Refusals that concern the whole page and not the one request. */
export type Shut = 'locked' | 'passcode_required' | 'device_suspended' | 'user_suspended';
const SHUT: ReadonlySet<string> = new Set<Shut>([
  'locked',
  'passcode_required',
  'device_suspended',
  'user_suspended',
]);

interface Handlers {
  /** 401 to anything but a login. */
  unauthorised: () => void;
  shut: (code: Shut) => void;
  /** An act needs the administrator's key: resolves to true once it is unlocked, false when the person gives up. */
  keyLocked: () => Promise<boolean>;
}

const handlers: Handlers = {
  unauthorised: () => {},
  shut: () => {},
  keyLocked: () => Promise.resolve(false),
};

export const whenUnauthorised = (handler: Handlers['unauthorised']) => void (handlers.unauthorised = handler);
export const whenShut = (handler: Handlers['shut']) => void (handlers.shut = handler);
export const whenKeyLocked = (handler: Handlers['keyLocked']) => void (handlers.keyLocked = handler);

export interface Reply<T> {
  status: number;
  body: T;
}

export interface Options {
  signal?: AbortSignal | undefined;
  timeoutMs?: number;
}

/** @param body an object for JSON, or a file that is sent as it is */
export async function request<T>(
  method: Method,
  path: string,
  body?: unknown,
  options: Options = {},
): Promise<Reply<T>> {
  try {
    return await attempt<T>(method, path, body, options);
  } catch (cause) {
    if (!(cause instanceof ApiError) || cause.code !== 'console_locked') throw cause;
    if (!(await handlers.keyLocked())) throw new GivenUp();
    return attempt<T>(method, path, body, options);
  }
}

async function attempt<T>(method: Method, path: string, body: unknown, options: Options): Promise<Reply<T>> {
  const { signal, timeoutMs = TIMEOUT_MS } = options;
  const headers: Record<string, string> = { Accept: 'application/json', 'Accept-Language': language.current };
  if (method !== 'GET') headers['X-Noroshi'] = '1';
  const abort = new AbortController();
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    abort.abort();
  }, timeoutMs);
  signal?.addEventListener('abort', () => abort.abort(), { once: true });
  try {
    return await exchange<T>(method, path, headers, body, abort.signal);
  } catch (cause) {
    if (cause instanceof ApiError || signal?.aborted) throw cause;
    // Also a line that broke in the middle of the body: for a write the outcome is unknown, and the same id is tried again.
    throw new NetworkError(timedOut ? 'timeout' : 'unreachable');
  } finally {
    clearTimeout(timer);
  }
}

async function exchange<T>(
  method: Method,
  path: string,
  headers: Record<string, string>,
  body: unknown,
  signal: AbortSignal,
): Promise<Reply<T>> {
  const file = body instanceof Blob;
  if (body !== undefined) headers['Content-Type'] = file ? body.type : 'application/json';
  const response = await fetch(API + path, {
    method,
    headers,
    credentials: 'same-origin',
    cache: 'no-store',
    signal,
    ...(body === undefined ? {} : { body: file ? body : JSON.stringify(body) }),
  });
  if (!response.ok) {
    const error = await problemOf(response);
    if (path !== '/session') tell(error);
    throw error;
  }
  if (response.status === 204) return { status: 204, body: undefined as T };
  return { status: response.status, body: (await response.json()) as T };
}

/** Tells the page of a refusal that concerns all of it. */
export function tell(error: ApiError): void {
  if (error.status === 401) handlers.unauthorised();
  else if (error.status === 403 && SHUT.has(error.code)) handlers.shut(error.code as Shut);
}

export const get = async <T>(path: string, signal?: AbortSignal) =>
  (await request<T>('GET', path, undefined, { signal })).body;
export const post = async <T>(path: string, body?: unknown, options?: Options) =>
  (await request<T>('POST', path, body, options)).body;
export const put = async <T>(path: string, body?: unknown) => (await request<T>('PUT', path, body)).body;
export const patch = async <T>(path: string, body: unknown) => (await request<T>('PATCH', path, body)).body;
export const del = async (path: string) => void (await request('DELETE', path));

export function query(params: Record<string, string | number | undefined>): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(params)) if (value !== undefined) search.set(key, String(value));
  const text = search.toString();
  return text ? `?${text}` : '';
}

export const seg = encodeURIComponent;
