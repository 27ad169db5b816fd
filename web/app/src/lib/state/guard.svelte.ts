// Whether this device may show anything: carries out what `device/guard.ts` decides.
import { api } from '$lib/api';
import { usedBeside } from '$lib/device/activity';
import { step, type Guard, type GuardEffect, type GuardEvent, type StopReason } from '$lib/device/guard';
import { wipeAll, wipeOwner } from '$lib/store/wipe';

export interface GuardHooks {
  /** Stop listening and forget what is on the screen. */
  hide(): void;
  resume(): void;
  /** The login of this browser is over; returns whose it was. */
  end(): string;
}

/** Outlives the wipe, so that a stopped phone says so also when it is opened again without the node. */
const STOPPED = 'noroshi.stopped';
const REASONS: readonly StopReason[] = ['device_suspended', 'user_suspended', 'lease_over'];

function remembered(): Guard {
  try {
    const reason = REASONS.find((one) => one === localStorage.getItem(STOPPED));
    return reason ? { kind: 'stopped', reason } : { kind: 'open' };
  } catch {
    return { kind: 'open' };
  }
}

class GuardState {
  state = $state.raw<Guard>(remembered());
  #hooks: GuardHooks | null = null;

  connect(hooks: GuardHooks): void {
    this.#hooks = hooks;
  }

  get open(): boolean {
    return this.state.kind === 'open';
  }

  /** Resolves once the effects are done. */
  async send(event: GuardEvent): Promise<void> {
    const { next, effects } = step(this.state, event);
    this.state = next;
    this.#remember();
    // Whose data it is must be known before the login ends.
    const owner = next.kind === 'stopped' && effects.length > 0 ? (this.#hooks?.end() ?? '') : '';
    for (const effect of effects) await this.#carryOut(effect, owner);
  }

  async #carryOut(effect: GuardEffect, owner: string): Promise<void> {
    switch (effect) {
      case 'hide':
        return this.#hooks?.hide();
      case 'resume':
        return this.#hooks?.resume();
      case 'lock-at-node-if-alone':
        if (usedBeside()) return;
        return void api.session.lock().catch(() => undefined);
      case 'lock-at-node':
        return void api.session.lock().catch(() => undefined);
      case 'wipe-all':
        return wipeAll();
      case 'wipe-mine':
        return wipeOwner(owner).catch(() => undefined);
    }
  }

  #remember(): void {
    try {
      if (this.state.kind === 'stopped') localStorage.setItem(STOPPED, this.state.reason);
      else localStorage.removeItem(STOPPED);
    } catch {
      // No storage: the page itself still says it.
    }
  }
}

export const guard = new GuardState();
