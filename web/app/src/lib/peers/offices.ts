// Offices as people think of them: one place with one or several nodes, and whether a message gets there now.
import { nameOf, type MapNode, type MapView, type Peer } from '$lib/api/types';

export interface OfficeState {
  /** Of the office; of the node where the office is not known. */
  id: string;
  name: string;
  headquarters: boolean;
  /** The office of the node that answers. */
  own: boolean;
  /** `direct`: a line from here is up. `relayed`: a message gets there over other offices. */
  reach: 'own' | 'direct' | 'relayed' | 'none';
  /** Cut by a switch and not lost. */
  cut: boolean;
  /** Since when there has been no line from here, milliseconds since 1970. */
  lostSince: number | null;
  /** Entries that no node of it has confirmed. */
  missingThere: number;
  alarms: number;
  nodes: string[];
}

const officeOf = (node: { node: string; office: Peer['office'] }): string => {
  const office = node.office;
  return office && typeof office === 'object' ? office.id : `node-${node.node}`;
};

/** @param map null while it is not known: then only direct lines count */
export function officesOf(peers: readonly Peer[], map: MapView | null): OfficeState[] {
  const ways = new Map((map?.nodes ?? []).map((node) => [node.node, node]));
  const groups = new Map<string, Peer[]>();
  for (const peer of peers) groups.set(officeOf(peer), [...(groups.get(officeOf(peer)) ?? []), peer]);
  const own = map?.nodes.find((node) => node.this);
  const others = [...groups].map(([id, members]) => officeState(id, members, ways));
  return own ? [ownState(own), ...others.filter(({ id }) => id !== officeOf(own))] : others;
}

const ownState = (own: MapNode): OfficeState => ({
  id: officeOf(own),
  name: nameOf(own.office) || own.name,
  headquarters: own.headquarters,
  own: true,
  reach: 'own',
  cut: false,
  lostSince: null,
  missingThere: 0,
  alarms: 0,
  nodes: [own.node],
});

function officeState(id: string, members: Peer[], ways: ReadonlyMap<string, MapNode>): OfficeState {
  const first = members[0]!;
  const direct = members.some((peer) => peer.state === 'connected');
  const relayed = members.some((peer) => ways.get(peer.node)?.reachable);
  const since = members.flatMap((peer) => (peer.since ? [Date.parse(peer.since)] : []));
  return {
    id,
    name: nameOf(first.office) || first.name,
    headquarters: members.some((peer) => peer.headquarters),
    own: false,
    reach: direct ? 'direct' : relayed ? 'relayed' : 'none',
    cut: !direct && members.every((peer) => peer.state === 'cut'),
    lostSince: direct || since.length === 0 ? null : Math.max(...since),
    missingThere: Math.min(...members.map((peer) => peer.missing_there ?? 0)),
    alarms: members.reduce((sum, peer) => sum + peer.alarms.length, 0),
    nodes: members.map((peer) => peer.node),
  };
}
