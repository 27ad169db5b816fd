// Other nodes, and the switch that cuts or restores the line to one or all of them.
import { get, put, query, seg } from './http';
import type { Cut, MapView, Page, Peer } from './types';

export const peers = {
  map: () => get<MapView>('/peers/map'),
  cuts: (where: { node?: string; before?: string; limit?: number } = {}) =>
    get<Page<Cut>>('/peers/cuts' + query({ ...where })),
  list: async () => (await get<Page<Peer>>('/peers')).items,
  /** @param node a node id, or `all` */
  setCut: (node: string, cut: boolean) => put<void>(`/peers/${seg(node)}/link`, { cut }),
};
