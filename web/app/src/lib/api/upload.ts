// Sends a file. Not by fetch, which says nothing about how much has gone: on a slow line people must see it move.
import { language } from '$lib/i18n';
import { NetworkError, problemFrom } from './errors';
import { API, tell } from './http';

export interface UploadOptions {
  signal?: AbortSignal;
  /** Bytes that have left this device. */
  onprogress?: (sent: number) => void;
}

/** No file is too slow as long as it moves. The node's own work at the end (making a picture anew) fits in as well. */
const STALLED_MS = 60_000;

export function upload<T>(
  path: string,
  file: Blob,
  { signal, onprogress }: UploadOptions = {},
  open: () => XMLHttpRequest = () => new XMLHttpRequest(),
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const request = open();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let stalled = false;
    const moved = () => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        stalled = true;
        request.abort();
      }, STALLED_MS);
    };
    const cancel = () => request.abort();
    const end = (settle: () => void) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', cancel);
      settle();
    };
    const failed = () => end(() => reject(new NetworkError(stalled ? 'timeout' : 'unreachable')));

    request.open('POST', API + path);
    request.setRequestHeader('Accept', 'application/json');
    request.setRequestHeader('Accept-Language', language.current);
    request.setRequestHeader('X-Noroshi', '1');
    request.setRequestHeader('Content-Type', file.type || 'application/octet-stream');
    request.upload.onprogress = (event) => {
      moved();
      onprogress?.(event.loaded);
    };
    request.onerror = failed;
    request.onabort = failed;
    request.onload = () =>
      end(() => {
        const body = json(request.responseText);
        if (request.status >= 200 && request.status < 300 && body !== null) return resolve(body as T);
        const error = problemFrom(request.status, body, request.getResponseHeader('Retry-After'));
        tell(error);
        reject(error);
      });
    if (signal?.aborted) return failed();
    signal?.addEventListener('abort', cancel, { once: true });
    moved();
    request.send(file);
  });
}

function json(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
