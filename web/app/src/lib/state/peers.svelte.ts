// The other nodes and the lines to them. Switching a line shows at once and is taken back when the node refuses.
import { api, nameOf, type MapView, type Peer } from '$lib/api';

type Status = 'loading' | 'ready' | 'error';

/** Headquarters first, then by office name. */
export function sortPeers(peers: Iterable<Peer>): Peer[] {
  const collator = new Intl.Collator('ja');
  return [...peers].sort(
    (a, b) =>
      Number(b.headquarters) - Number(a.headquarters) ||
      collator.compare(nameOf(a.office), nameOf(b.office)) ||
      (a.node < b.node ? -1 : 1),
  );
}

const switched = (peer: Peer, cut: boolean): Peer => ({
  ...peer,
  link_cut_by_us: cut,
  // A restored line is not up yet: the node says so when it is.
  state: cut ? 'cut' : peer.state === 'cut' ? 'unreachable' : peer.state,
  since: cut !== peer.link_cut_by_us ? new Date().toISOString() : peer.since,
});

class PeersState {
  #byNode = $state.raw<ReadonlyMap<string, Peer>>(new Map());
  status = $state<Status>('loading');
  /** Who has a line to whom; null until somebody has looked. */
  map = $state.raw<MapView | null>(null);
  /** Nodes whose switch is on its way. */
  pending = $state.raw<ReadonlySet<string>>(new Set());

  get list(): Peer[] {
    return sortPeers(this.#byNode.values());
  }

  get connected(): number {
    return [...this.#byNode.values()].filter((peer) => peer.state === 'connected').length;
  }

  get count(): number {
    return this.#byNode.size;
  }

  /** Entries that other nodes have not confirmed, by the node that misses most. */
  get missingThere(): number {
    return Math.max(0, ...[...this.#byNode.values()].map((peer) => peer.missing_there ?? 0));
  }

  get missingHere(): number {
    return Math.max(0, ...[...this.#byNode.values()].map((peer) => peer.missing_here ?? 0));
  }

  async load(): Promise<void> {
    try {
      this.#byNode = new Map((await api.peers.list()).map((peer) => [peer.node, peer]));
      this.status = 'ready';
    } catch (error) {
      if (this.status === 'loading') this.status = 'error';
      throw error;
    }
  }

  /** For the page that shows it; the rest of the app does without. */
  async loadMap(): Promise<void> {
    this.map = await api.peers.map();
  }

  clear(): void {
    this.map = null;
    this.#byNode = new Map();
    this.status = 'loading';
  }

  apply(peer: Peer): void {
    this.#byNode = new Map(this.#byNode).set(peer.node, peer);
  }

  /** @param target a node id, or `all` */
  async setCut(target: string, cut: boolean): Promise<void> {
    const before = [...this.#byNode.values()].filter((peer) => target === 'all' || peer.node === target);
    for (const peer of before) this.apply(switched(peer, cut));
    const marks = new Set([target, ...before.map((peer) => peer.node)]);
    this.pending = new Set([...this.pending, ...marks]);
    try {
      await api.peers.setCut(target, cut);
      await this.load().catch(() => undefined);
    } catch (error) {
      for (const peer of before) this.apply(peer);
      throw error;
    } finally {
      this.pending = new Set([...this.pending].filter((node) => !marks.has(node)));
    }
  }
}

export const peers = new PeersState();
