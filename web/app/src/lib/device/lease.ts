// The lease of a device: how long it may go on without hearing from its node. A phone that cannot be reached loses access
// by itself, and its holder is told before.

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
/** From here on the remaining time is shown while the node is away. */
export const WARN_BELOW_HOURS = 24;

export type Lease =
  { kind: 'none' } | { kind: 'fine' } | { kind: 'ending'; hours: number; minutes: number } | { kind: 'over' };

/** @param untilMs end of the lease as the node last said, or null for devices without one */
export function leaseAt(untilMs: number | null, nowMs: number): Lease {
  if (untilMs === null || Number.isNaN(untilMs)) return { kind: 'none' };
  const left = untilMs - nowMs;
  if (left <= 0) return { kind: 'over' };
  if (left > WARN_BELOW_HOURS * HOUR_MS) return { kind: 'fine' };
  return { kind: 'ending', hours: Math.floor(left / HOUR_MS), minutes: Math.ceil(left / MINUTE_MS) };
}
