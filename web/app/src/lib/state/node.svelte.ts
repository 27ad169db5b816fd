// What the node says of itself and of headquarters, and whether this browser reaches the node at all.
import { api, nameOf, type NodeInfo, type Peer } from '$lib/api';
import type { Link } from '$lib/events/client';

const SETTLE_MS = 800;
/** A stream that is back within this time was never worth a warning. */
const LOST_AFTER_MS = 1200;

class NodeState {
  info = $state.raw<NodeInfo | null>(null);
  link = $state<Link>('connecting');
  /** Since when the node has been out of reach, or null. */
  lostSince = $state<number | null>(null);
  #timer: ReturnType<typeof setTimeout> | undefined;
  #downSince: number | null = null;
  #lostTimer: ReturnType<typeof setTimeout> | undefined;

  get lost(): boolean {
    return this.lostSince !== null;
  }

  get officeName(): string {
    return nameOf(this.info?.office) || this.info?.name || '';
  }

  get organisationName(): string {
    return nameOf(this.info?.organisation);
  }

  async load(): Promise<void> {
    this.info = await api.session.node();
  }

  setLink(link: Link): void {
    this.link = link;
    if (link === 'open') {
      clearTimeout(this.#lostTimer);
      this.#downSince = null;
      this.lostSince = null;
    } else if (link === 'down' && this.#downSince === null) {
      this.#downSince = Date.now();
      this.#lostTimer = setTimeout(() => (this.lostSince = this.#downSince), LOST_AFTER_MS);
    }
  }

  /** A change at the line to headquarters shows at once; the node's own words follow. */
  applyPeer(peer: Peer): void {
    const info = this.info;
    const hq = info?.headquarters;
    if (info && hq && peer.headquarters && !hq.is_self) {
      const reachable = peer.state === 'connected';
      const headquarters = {
        ...hq,
        reachable,
        since: peer.since ?? (reachable === hq.reachable ? hq.since : new Date().toISOString()),
        missing_here: peer.missing_here ?? hq.missing_here,
        missing_there: peer.missing_there ?? hq.missing_there,
      };
      this.info = { ...info, headquarters };
    }
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.load().catch(() => undefined), SETTLE_MS);
  }
}

export const node = new NodeState();
