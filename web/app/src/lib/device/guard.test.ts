import { describe, expect, test } from 'vitest';
import { step, type Guard, type GuardEvent } from './guard';

const OPEN: Guard = { kind: 'open' };
const LOCKED: Guard = { kind: 'locked', left: null };

/** Runs events one after another and collects what they cause. */
function run(start: Guard, ...events: GuardEvent[]) {
  let guard = start;
  const effects: string[] = [];
  for (const event of events) {
    const { next, effects: caused } = step(guard, event);
    guard = next;
    effects.push(...caused);
  }
  return { guard, effects };
}

describe('lock', () => {
  test('a device with a passcode starts locked, one without starts open', () => {
    expect(run(OPEN, { type: 'started', passcode: true, lockedAtNode: false })).toEqual({
      guard: LOCKED,
      effects: ['lock-at-node-if-alone'],
    });
    expect(run(OPEN, { type: 'started', passcode: false, lockedAtNode: false }).guard).toEqual(OPEN);
    // The node says so already: nothing to tell it.
    expect(run(OPEN, { type: 'started', passcode: false, lockedAtNode: true })).toEqual({
      guard: LOCKED,
      effects: [],
    });
  });

  test('idle hides first and then tells the node; without a passcode nothing happens', () => {
    expect(run(OPEN, { type: 'idle', passcode: true })).toEqual({
      guard: LOCKED,
      effects: ['hide', 'lock-at-node'],
    });
    expect(run(OPEN, { type: 'idle', passcode: false })).toEqual({ guard: OPEN, effects: [] });
    expect(run(LOCKED, { type: 'idle', passcode: true })).toEqual({ guard: LOCKED, effects: [] });
  });

  test('a refusal by the node locks this page once', () => {
    const refused: GuardEvent = { type: 'refused', code: 'locked' };
    expect(run(OPEN, refused, refused, refused)).toEqual({ guard: LOCKED, effects: ['hide'] });
  });

  test('attempts left are shown and forgotten after the right one', () => {
    const { guard, effects } = run(
      OPEN,
      { type: 'lock' },
      { type: 'wrong', left: 9 },
      { type: 'wrong', left: 8 },
    );
    expect(guard).toEqual({ kind: 'locked', left: 8 });
    const after = run(guard, { type: 'unlocked' }, { type: 'lock' });
    expect(after.guard).toEqual(LOCKED);
    expect([...effects, ...after.effects]).toEqual([
      'hide',
      'lock-at-node',
      'resume',
      'hide',
      'lock-at-node',
    ]);
  });

  test('an answer that comes late opens nothing that is open or stopped', () => {
    expect(run(OPEN, { type: 'unlocked' })).toEqual({ guard: OPEN, effects: [] });
    const stopped: Guard = { kind: 'stopped', reason: 'device_suspended' };
    expect(run(stopped, { type: 'unlocked' })).toEqual({ guard: stopped, effects: [] });
  });
});

describe('stop', () => {
  test('a lost phone loses everything, open or locked', () => {
    for (const start of [OPEN, LOCKED])
      expect(run(start, { type: 'refused', code: 'device_suspended' })).toEqual({
        guard: { kind: 'stopped', reason: 'device_suspended' },
        effects: ['hide', 'wipe-all'],
      });
  });

  test('a suspended person loses their own alone', () => {
    expect(run(OPEN, { type: 'refused', code: 'user_suspended' }).effects).toEqual(['hide', 'wipe-mine']);
  });

  test('the tenth wrong passcode stops the device', () => {
    expect(run(LOCKED, { type: 'wrong', left: 1 }, { type: 'wrong', left: 0 })).toEqual({
      guard: { kind: 'stopped', reason: 'device_suspended' },
      effects: ['hide', 'wipe-all'],
    });
  });

  test('a lease that ran out wipes', () => {
    expect(run(LOCKED, { type: 'lease-over' })).toEqual({
      guard: { kind: 'stopped', reason: 'lease_over' },
      effects: ['hide', 'wipe-all'],
    });
  });

  test('it happens once and stays until the person has read it', () => {
    const stopped: Guard = { kind: 'stopped', reason: 'device_suspended' };
    const events: GuardEvent[] = [
      { type: 'refused', code: 'user_suspended' },
      { type: 'lease-over' },
      { type: 'started', passcode: false, lockedAtNode: false },
      { type: 'logged-in' },
    ];
    expect(run(stopped, ...events)).toEqual({ guard: stopped, effects: [] });
    expect(run(stopped, { type: 'dismissed' })).toEqual({ guard: OPEN, effects: [] });
  });
});
