// Other nodes, and the switch that cuts or restores the line to one or all of them.
import { get, put, seg } from './http';
import type { Page, Peer } from './types';

export const peers = {
  list: async () => (await get<Page<Peer>>('/peers')).items,
  /** @param node a node id, or `all` */
  setCut: (node: string, cut: boolean) => put<void>(`/peers/${seg(node)}/link`, { cut }),
};
