// The honest state of an own message, in words: waiting here, saved at this office, at n of m offices, read by n.
import type { Message } from '$lib/api/types';
import { t } from '$lib/i18n';
import type { Failure, FailureKind, OutboxItem } from '$lib/outbox/types';

export type Delivery = 'waiting' | 'stored' | 'arrived' | 'read' | 'failed';

type Counted = Pick<Message, 'arrived' | 'offices' | 'read'>;

export function deliveryOf(message: Counted, pending: Pick<OutboxItem, 'status'> | null): Delivery {
  if (pending) return pending.status === 'failed' ? 'failed' : 'waiting';
  if (message.read > 0) return 'read';
  // The own office is one of the counted ones: being saved here is not an arrival elsewhere.
  return message.arrived > 1 ? 'arrived' : 'stored';
}

export function deliveryWords(message: Counted, pending: Pick<OutboxItem, 'status' | 'wait'> | null): string {
  switch (deliveryOf(message, pending)) {
    case 'failed':
      return t.stateFailed;
    case 'waiting':
      return waitingWords(pending!);
    case 'stored':
      return t.stateStored;
    case 'arrived':
      return arrivedWords(message);
    case 'read':
      // Being read next door must not hide that other offices do not have it yet.
      return message.arrived < message.offices
        ? `${t.stateRead(message.read)} · ${arrivedWords(message)}`
        : t.stateRead(message.read);
  }
}

const arrivedWords = ({ arrived, offices }: Counted): string =>
  arrived >= offices ? t.stateArrivedAll(offices) : t.stateArrived(arrived, offices);

function waitingWords({ wait }: Pick<OutboxItem, 'wait'>): string {
  if (wait === 'storage') return t.stateWaitingStorage;
  if (wait === 'busy') return t.stateWaitingBusy;
  if (wait === 'login') return t.stateWaitingLogin;
  return t.stateWaiting;
}

/** Why it failed, for somebody who has never heard of status codes. The node's own sentence comes first. */
export function failureWords(failure: Pick<Failure, 'kind' | 'code' | 'detail' | 'file'> | null): string {
  if (!failure) return t.failOther;
  const words = failureReason(failure);
  return failure.file === undefined ? words : t.failFile(failure.file, words);
}

function failureReason(failure: Pick<Failure, 'kind' | 'code' | 'detail'>): string {
  if (failure.code === 'file_gone') return t.failFileGone;
  const known: Record<FailureKind, string> = {
    conflict: t.failConflict,
    forbidden: t.failForbidden,
    not_found: t.failNotFound,
    invalid: t.failInvalid,
    too_large: t.failTooLarge,
    other: t.failOther,
  };
  if (failure.kind === 'conflict') return known.conflict;
  return failure.detail || known[failure.kind];
}
