// The lease of a device: how long it may go on without hearing from its node. A phone that cannot be reached loses access
// by itself, and its holder is told before.

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
/** A node that restarts is no reason to speak of the lease. */
const NOTICE_AFTER_MS = 5 * MINUTE_MS;
/** So close to the end it is said at once. */
const NOTICE_AT_ONCE_MS = 2 * HOUR_MS;

export type Lease = { kind: 'none' } | { kind: 'running'; hours: number; minutes: number } | { kind: 'over' };

/** @param untilMs end of the lease as the node last said, or null for devices without one */
export function leaseAt(untilMs: number | null, nowMs: number): Lease {
  if (untilMs === null || Number.isNaN(untilMs)) return { kind: 'none' };
  const left = untilMs - nowMs;
  if (left <= 0) return { kind: 'over' };
  return { kind: 'running', hours: Math.floor(left / HOUR_MS), minutes: Math.ceil(left / MINUTE_MS) };
}

/** What to tell the holder while the node is away, or null. @param lostSinceMs since when it is away */
export function leaseNotice(
  untilMs: number | null,
  lostSinceMs: number | null,
  nowMs: number,
): { hours: number; minutes: number } | null {
  const lease = leaseAt(untilMs, nowMs);
  if (lease.kind !== 'running' || lostSinceMs === null) return null;
  const soon = lease.minutes * MINUTE_MS <= NOTICE_AT_ONCE_MS;
  return soon || nowMs - lostSinceMs >= NOTICE_AFTER_MS ? lease : null;
}
