// When this device shows its content, when it asks for the passcode, and when it has been stopped. Pure: (state, event) →
// state and effects, so that every path can be tested; `state/guard.svelte.ts` carries the effects out.

export type StopReason = 'device_suspended' | 'user_suspended' | 'lease_over';

export type Guard =
  | { kind: 'open' }
  /** @property left attempts the node still allows, as far as known */
  | { kind: 'locked'; left: number | null }
  | { kind: 'stopped'; reason: StopReason };

export type GuardEvent =
  /** The app starts with somebody logged in. */
  | { type: 'started'; passcode: boolean; lockedAtNode: boolean }
  | { type: 'logged-in' }
  | { type: 'idle'; passcode: boolean }
  /** The person pressed «lock now». */
  | { type: 'lock' }
  | { type: 'refused'; code: 'locked' | 'device_suspended' | 'user_suspended' }
  | { type: 'wrong'; left: number | null }
  | { type: 'unlocked' }
  /** The lease has ended and the node did not answer. */
  | { type: 'lease-over' }
  /** The person has read that the device was stopped, and goes to the log-in page. */
  | { type: 'dismissed' };

export type GuardEffect =
  /** Take everything off the screen and stop listening. */
  | 'hide'
  /** Tell the node to refuse this session until the passcode is given. */
  | 'lock-at-node'
  /** The same, unless another tab of this browser is in use. */
  | 'lock-at-node-if-alone'
  /** Start again what `hide` stopped. */
  | 'resume'
  /** Remove everything this browser keeps. */
  | 'wipe-all'
  /** Remove what belongs to the person who was logged in. */
  | 'wipe-mine';

export interface Step {
  next: Guard;
  effects: readonly GuardEffect[];
}

const LOCKED: Guard = { kind: 'locked', left: null };
const stay = (next: Guard): Step => ({ next, effects: [] });

export function step(guard: Guard, event: GuardEvent): Step {
  // A stop outweighs everything; only the person puts it away.
  if (guard.kind === 'stopped') return stay(event.type === 'dismissed' ? { kind: 'open' } : guard);
  switch (event.type) {
    case 'started':
      return event.passcode || event.lockedAtNode
        ? { next: LOCKED, effects: event.lockedAtNode ? [] : ['lock-at-node-if-alone'] }
        : stay({ kind: 'open' });
    case 'idle':
      return guard.kind === 'open' && event.passcode ? lock(['hide', 'lock-at-node']) : stay(guard);
    case 'lock':
      return guard.kind === 'open' ? lock(['hide', 'lock-at-node']) : stay(guard);
    case 'refused':
      if (event.code !== 'locked') return stop(event.code);
      return guard.kind === 'open' ? lock(['hide']) : stay(guard);
    case 'wrong':
      if (guard.kind !== 'locked') return stay(guard);
      return event.left !== null && event.left <= 0
        ? stop('device_suspended')
        : stay({ kind: 'locked', left: event.left });
    case 'unlocked':
      return guard.kind === 'locked' ? { next: { kind: 'open' }, effects: ['resume'] } : stay(guard);
    case 'lease-over':
      return stop('lease_over');
    case 'logged-in':
      return stay({ kind: 'open' });
    case 'dismissed':
      return stay(guard);
  }
}

const lock = (effects: readonly GuardEffect[]): Step => ({ next: LOCKED, effects });

/** On a shared PC the unsent messages of colleagues stay when one person is suspended. */
const stop = (reason: StopReason): Step => ({
  next: { kind: 'stopped', reason },
  effects: ['hide', reason === 'user_suspended' ? 'wipe-mine' : 'wipe-all'],
});
