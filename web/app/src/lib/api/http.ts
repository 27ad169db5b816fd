// The one place that calls fetch. The login lives in an HttpOnly cookie, so no secret ever passes through here; writes
// carry `X-Noroshi: 1`, which a foreign page cannot set.
import { language } from '$lib/i18n';
import { ApiError, NetworkError, problemOf } from './errors';

export const API = '/api/v1';
const TIMEOUT_MS = 15_000;

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** Called when the node answers 401 to anything but a login. */
let onUnauthorised: () => void = () => {};
export function whenUnauthorised(handler: () => void) {
  onUnauthorised = handler;
}

export interface Reply<T> {
  status: number;
  body: T;
}

export async function request<T>(
  method: Method,
  path: string,
  body?: unknown,
  signal?: AbortSignal,
): Promise<Reply<T>> {
  const headers: Record<string, string> = { Accept: 'application/json', 'Accept-Language': language.current };
  if (method !== 'GET') headers['X-Noroshi'] = '1';
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  const abort = new AbortController();
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    abort.abort();
  }, TIMEOUT_MS);
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
  const response = await fetch(API + path, {
    method,
    headers,
    credentials: 'same-origin',
    cache: 'no-store',
    signal,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!response.ok) {
    const error = await problemOf(response);
    if (error.status === 401 && path !== '/session') onUnauthorised();
    throw error;
  }
  if (response.status === 204) return { status: 204, body: undefined as T };
  return { status: response.status, body: (await response.json()) as T };
}

export const get = async <T>(path: string, signal?: AbortSignal) =>
  (await request<T>('GET', path, undefined, signal)).body;
export const post = async <T>(path: string, body: unknown) => (await request<T>('POST', path, body)).body;
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
