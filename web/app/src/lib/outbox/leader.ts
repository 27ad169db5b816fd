// One tab leads, so that two tabs do not send the same outbox in two orders. `navigator.locks` where there is a secure
// context; elsewhere a lease in localStorage that the leader renews and a dead leader loses.

export interface Leadership {
  /** Gives the lead up, so that another tab takes over at once. */
  resign(): void;
}

const LOCK = 'noroshi-outbox';
const LEASE_KEY = 'noroshi.leader';
const RENEW_MS = 1000;
const LEASE_MS = 4000;

export function lead(
  onLead: () => void,
  onLost: () => void,
  locks = globalThis.navigator?.locks,
): Leadership {
  return locks ? leadByLock(locks, onLead) : leadByLease(onLead, onLost);
}

function leadByLock(locks: LockManager, onLead: () => void): Leadership {
  const abort = new AbortController();
  let release = () => {};
  locks
    .request(LOCK, { signal: abort.signal }, () => {
      onLead();
      return new Promise<void>((resolve) => (release = resolve));
    })
    .catch(() => undefined);
  return {
    resign() {
      abort.abort();
      release();
    },
  };
}

interface Lease {
  tab: string;
  until: number;
}

function readLease(): Lease | null {
  try {
    return JSON.parse(localStorage.getItem(LEASE_KEY) ?? 'null') as Lease | null;
  } catch {
    return null;
  }
}

export function leadByLease(
  onLead: () => void,
  onLost: () => void,
  now: () => number = Date.now,
): Leadership {
  const tab = Math.random().toString(36).slice(2);
  let leading = false;

  const claim = () => localStorage.setItem(LEASE_KEY, JSON.stringify({ tab, until: now() + LEASE_MS }));
  const tick = () => {
    const lease = readLease();
    const mine = lease?.tab === tab;
    const free = lease === null || lease.until < now() || lease.until > now() + 2 * LEASE_MS;
    if (leading && !mine) {
      leading = false;
      onLost();
    } else if (mine && !leading) {
      // Claimed one round ago and nobody overwrote it: two tabs that claim together cannot both get here.
      leading = true;
      claim();
      onLead();
    } else if (mine || free) {
      claim();
    }
  };

  tick();
  const timer = setInterval(tick, RENEW_MS);
  const resign = () => {
    clearInterval(timer);
    if (readLease()?.tab === tab) localStorage.removeItem(LEASE_KEY);
    leading = false;
  };
  globalThis.addEventListener?.('pagehide', resign, { once: true });
  return { resign };
}
