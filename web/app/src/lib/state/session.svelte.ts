// Who is logged in. The login itself is an HttpOnly cookie that no script can read; only the name is kept for the time
// the node is away.
import { api, ApiError, NetworkError, type Me, type RoleName } from '$lib/api';
import { forgetPasscode } from '$lib/device/passcode';
import { signingOf, type Signing } from '$lib/device/signer';
import { ownerOf } from '$lib/outbox/types';
import { cache } from '$lib/store/cache';
import type { Credentials } from '$lib/api/session';
import { guard } from './guard.svelte';

export type SessionStatus = 'starting' | 'anonymous' | 'active';

/** Set when somebody logged out while the node was away: the cookie still has to be taken back. */
const LOGOUT_PENDING = 'noroshi.logout';

/** What the node allows this device, with the defaults for a computer that is not enrolled. */
export interface Terms {
  /** End of the lease, or null for devices without one. */
  leaseUntilMs: number | null;
  passcodeSet: boolean;
  passcodeRequired: boolean;
  idleMinutes: number;
}

class SessionState {
  status = $state<SessionStatus>('starting');
  me = $state.raw<Me | null>(null);
  /** The login ran out under somebody who was working. */
  expired = $state(false);
  /** Whether this device can sign what the person writes. */
  signing = $state<Signing>('none');
  /** The person wants to choose a password later; asked again when the page is opened anew. */
  passwordLater = $state(false);
  /** `me` is what the node said in this run of the page, not a copy from before. */
  confirmed = $state(false);

  get terms(): Terms {
    const me = this.me;
    return {
      leaseUntilMs: me?.lease_until ? Date.parse(me.lease_until) : null,
      passcodeSet: me?.passcode?.set ?? false,
      passcodeRequired: me?.passcode?.required ?? false,
      idleMinutes: me?.idle_lock_minutes ?? 0,
    };
  }

  /** Nothing can be done before this device has a passcode: the node says so, and refuses the rest. */
  get passcodeDue(): boolean {
    return this.confirmed && this.terms.passcodeRequired && !this.terms.passcodeSet;
  }

  get isAdministrator(): boolean {
    return this.has('system_admin', 'office_admin');
  }

  get owner(): string {
    return this.me ? ownerOf(this.me.user.id, this.me.node.id) : '';
  }

  has(...roles: RoleName[]): boolean {
    return roles.some((role) => this.me?.roles.includes(role));
  }

  get maySwitchLines(): boolean {
    return this.has('system_admin', 'office_admin', 'drill_controller');
  }

  /** At start: am I still logged in? Without the node, whoever was last may go on writing into the outbox. */
  async restore(): Promise<void> {
    if (localStorage.getItem(LOGOUT_PENDING) !== null && !(await this.#finishLogout())) {
      this.status = 'anonymous';
      return;
    }
    try {
      this.#enter(await api.session.me());
    } catch (error) {
      if (error instanceof ApiError && (error.status === 401 || error.code.endsWith('_suspended'))) {
        this.status = 'anonymous';
        return;
      }
      const last = await cache.profile();
      this.me = last;
      this.#lookForKey();
      this.status = last ? 'active' : 'anonymous';
    }
  }

  async logIn(credentials: Credentials): Promise<void> {
    await api.session.logIn(credentials);
    localStorage.removeItem(LOGOUT_PENDING);
    this.#enter(await api.session.me());
  }

  /** What the node says of me now: lease, passcode, rules, roles. Silent when it cannot be reached. */
  async refresh(): Promise<void> {
    if (this.status !== 'active') return;
    try {
      const me = await api.session.me();
      if (this.status === 'active') this.#enter(me);
    } catch {
      // The last answer holds.
    }
  }

  /** The device or the person was stopped. Returns whose login it was. */
  end(): string {
    const { owner } = this;
    try {
      localStorage.setItem(LOGOUT_PENDING, '1');
    } catch {
      // Without storage nobody is logged in after a reload anyway.
    }
    this.me = null;
    this.confirmed = false;
    this.expired = false;
    this.status = 'anonymous';
    return owner;
  }

  /** The node no longer knows this login. Copies of what was readable go; the outbox stays. */
  async lose(): Promise<void> {
    if (this.status !== 'active') return;
    this.expired = true;
    this.status = 'anonymous';
    await cache.wipe({ drafts: false });
  }

  async logOut(): Promise<void> {
    localStorage.setItem(LOGOUT_PENDING, '1');
    await cache.wipe({ drafts: true });
    await this.#finishLogout();
    await forgetPasscode();
    this.me = null;
    this.confirmed = false;
    this.expired = false;
    this.status = 'anonymous';
  }

  #enter(me: Me): void {
    this.me = me;
    this.confirmed = true;
    this.#lookForKey();
    // Asking who I am is allowed while locked, so the answer may be the first that says it (another tab, idle at the node).
    if (me.locked) void guard.send({ type: 'refused', code: 'locked' });
    this.expired = false;
    this.status = 'active';
    void cache.saveProfile(me);
  }

  #lookForKey(): void {
    const { me } = this;
    void signingOf(me?.device).then((signing) => {
      if (this.me === me) this.signing = signing;
    });
  }

  async #finishLogout(): Promise<boolean> {
    try {
      await api.session.logOut();
    } catch (error) {
      if (error instanceof NetworkError) return false;
    }
    localStorage.removeItem(LOGOUT_PENDING);
    return true;
  }
}

export const session = new SessionState();
