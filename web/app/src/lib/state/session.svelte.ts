// Who is logged in. The login itself is an HttpOnly cookie that no script can read; only the name is kept for the time
// the node is away.
import { api, ApiError, NetworkError, type Me, type RoleName } from '$lib/api';
import { ownerOf } from '$lib/outbox/types';
import { cache } from '$lib/store/cache';
import type { Credentials } from '$lib/api/session';

export type SessionStatus = 'starting' | 'anonymous' | 'active';

/** Set when somebody logged out while the node was away: the cookie still has to be taken back. */
const LOGOUT_PENDING = 'noroshi.logout';

class SessionState {
  status = $state<SessionStatus>('starting');
  me = $state.raw<Me | null>(null);
  /** The login ran out under somebody who was working. */
  expired = $state(false);

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
      if (error instanceof ApiError && error.status === 401) {
        this.status = 'anonymous';
        return;
      }
      const last = await cache.profile();
      this.me = last;
      this.status = last ? 'active' : 'anonymous';
    }
  }

  async logIn(credentials: Credentials): Promise<void> {
    await api.session.logIn(credentials);
    localStorage.removeItem(LOGOUT_PENDING);
    this.#enter(await api.session.me());
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
    this.me = null;
    this.expired = false;
    this.status = 'anonymous';
  }

  #enter(me: Me): void {
    this.me = me;
    this.expired = false;
    this.status = 'active';
    void cache.saveProfile(me);
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
