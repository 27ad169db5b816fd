// What an answer (or its absence) means for an item: done, try the same id again later, failed for good, or log in first.
import { ApiError } from '$lib/api/errors';
import type { Failure, FailureKind, WaitReason } from './types';

export type Outcome =
  | { kind: 'again'; wait: WaitReason; notBeforeMs: number }
  | { kind: 'failed'; failure: Failure }
  | { kind: 'login' }
  /** The node does not take the signature: the same message, without it. */
  | { kind: 'unsigned' }
  /** The node has let go of a file that it had taken: send the files again. */
  | { kind: 'files-gone' };

const FAILURES: Record<number, FailureKind> = {
  403: 'forbidden',
  404: 'not_found',
  409: 'conflict',
  413: 'too_large',
  415: 'invalid',
  422: 'invalid',
};
/** The device is locked or stopped, or needs a passcode, which says nothing about the message. */
const SHUT = new Set(['locked', 'passcode_required', 'device_suspended', 'user_suspended']);
const SHUT_RETRY_MS = 2000;
/** Client errors that pass by themselves. */
const PASSING = new Set([408, 425, 429]);

export function outcomeOf(error: unknown): Outcome {
  if (!(error instanceof ApiError)) return { kind: 'again', wait: 'network', notBeforeMs: 0 };
  if (error.status === 401) return { kind: 'login' };
  if (error.code === 'wrong_signature') return { kind: 'unsigned' };
  if (error.code === 'attachment_unknown') return { kind: 'files-gone' };
  if (SHUT.has(error.code)) return { kind: 'again', wait: 'login', notBeforeMs: SHUT_RETRY_MS };
  if (error.status >= 400 && error.status < 500 && !PASSING.has(error.status)) {
    const detail = error.detail || error.title;
    return { kind: 'failed', failure: { kind: FAILURES[error.status] ?? 'other', code: error.code, detail } };
  }
  const wait: WaitReason = error.status === 507 || error.code === 'storage_full' ? 'storage' : 'busy';
  return { kind: 'again', wait, notBeforeMs: (error.retryAfter ?? 0) * 1000 };
}

const FIRST_MS = 500;
const CAP_MS = 15_000;

/** Exponential with full jitter in its upper half, so that a hundred phones do not knock at the same moment. */
export function backoffMs(attempts: number, random: () => number = Math.random): number {
  const ceiling = Math.min(CAP_MS, FIRST_MS * 2 ** Math.max(0, attempts - 1));
  return Math.round(ceiling / 2 + (random() * ceiling) / 2);
}
