// Rooms and who is in them.
import { del, get, patch, post, put, query, seg } from './http';
import type { Erasure, ErasureCounts, Member, NewRoom, Page, Room, RoomPatch, RoomRole } from './types';

/** What was on the screen when a mark was set. */
export interface Shown {
  /** A place of the event stream: what was told later stays unread. */
  seen: string;
  /** Late ones that were shown. */
  late?: string[];
  all_late?: boolean;
}

export const rooms = {
  page: (cursor?: string) => get<Page<Room>>(`/rooms${query({ cursor })}`),
  get: (room: string) => get<Room>(`/rooms/${seg(room)}`),
  create: (room: NewRoom) => post<Room>('/rooms', room),
  patch: (room: string, change: RoomPatch) => patch<Room>(`/rooms/${seg(room)}`, change),
  members: (room: string) => get<Page<Member>>(`/rooms/${seg(room)}/members`),
  setMember: (room: string, user: string, role: RoomRole) =>
    put<Member>(`/rooms/${seg(room)}/members/${seg(user)}`, { role }),
  erase: (room: string, what: Erasure) => post<ErasureCounts>(`/rooms/${seg(room)}/erasures`, what),
  renewPage: (room: string) => post<void>(`/rooms/${seg(room)}/page/renewal`, {}),
  removeMember: (room: string, user: string) => del(`/rooms/${seg(room)}/members/${seg(user)}`),
  markRead: (room: string, message: string, shown: Shown) =>
    put<void>(`/rooms/${seg(room)}/read`, { message, ...shown }),

  /** All rooms I may see; the node pages only beyond 500. */
  async all(): Promise<Room[]> {
    const found: Room[] = [];
    let cursor: string | undefined;
    do {
      const page = await rooms.page(cursor);
      found.push(...page.items);
      cursor = page.next ?? undefined;
    } while (cursor);
    return found;
  },
};
