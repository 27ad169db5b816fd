// The rooms I may see, patched by events and never reloaded as a whole while the stream resumes.
import { api, type Message, type NewRoom, type Room, type RoomPatch } from '$lib/api';
import { matches } from '$lib/text/kana';
import { cache } from '$lib/store/cache';
import { session } from './session.svelte';

type Status = 'loading' | 'ready' | 'offline' | 'error';
const SAVE_AFTER_MS = 2000;

export function sortRooms(rooms: Iterable<Room>, unreadFirst: boolean): Room[] {
  const activity = (room: Room) => Date.parse(room.last_message?.received_at ?? room.updated_at) || 0;
  return [...rooms].sort((a, b) => {
    const byUnread = unreadFirst ? Number(b.unread > 0) - Number(a.unread > 0) : 0;
    return byUnread || activity(b) - activity(a) || (a.id < b.id ? 1 : -1);
  });
}

class RoomsState {
  #byId = $state.raw<ReadonlyMap<string, Room>>(new Map());
  status = $state<Status>('loading');
  filter = $state('');
  #save: ReturnType<typeof setTimeout> | undefined;
  /** Rooms that changed while the whole list was on its way, which may not know of it yet. */
  #touched: Set<string> | null = null;

  get all(): ReadonlyMap<string, Room> {
    return this.#byId;
  }

  get unread(): number {
    let n = 0;
    for (const room of this.#byId.values()) n += room.unread;
    return n;
  }

  get(id: string): Room | undefined {
    return this.#byId.get(id);
  }

  list(unreadFirst: boolean): Room[] {
    return sortRooms(this.#byId.values(), unreadFirst).filter((room) =>
      matches(this.filter, room.name, room.topic),
    );
  }

  async loadCached(): Promise<void> {
    const saved = await cache.rooms(session.owner);
    if (!saved || this.status === 'ready') return;
    this.#replace(saved);
    this.status = 'offline';
  }

  async load(): Promise<void> {
    const touched = (this.#touched = new Set());
    try {
      this.#replace(await api.rooms.all());
      this.status = 'ready';
      this.#saveSoon();
      if (this.#touched === touched) this.#touched = null;
      await Promise.allSettled([...touched].map((id) => this.fetch(id)));
    } catch (error) {
      if (this.status === 'ready') this.status = 'offline';
      else if (this.status === 'loading') this.status = 'error';
      throw error;
    }
  }

  clear(): void {
    clearTimeout(this.#save);
    this.#replace([]);
    this.status = 'loading';
    this.filter = '';
  }

  /** Takes a room over as the node gives it. */
  set(room: Room): void {
    this.#touched?.add(room.id);
    this.#byId = new Map(this.#byId).set(room.id, room);
    this.#saveSoon();
  }

  patch(id: string, change: Partial<Room>): void {
    const room = this.#byId.get(id);
    if (room) this.set({ ...room, ...change });
  }

  remove(id: string): void {
    const next = new Map(this.#byId);
    next.delete(id);
    this.#byId = next;
    this.#saveSoon();
  }

  async fetch(id: string): Promise<Room> {
    const room = await api.rooms.get(id);
    this.set(room);
    return room;
  }

  /** A message that is new to this node. @param seen it is on the screen already */
  async applyMessage(message: Message, seen: boolean): Promise<void> {
    const room = this.#byId.get(message.room);
    if (!room) {
      await this.fetch(message.room).catch(() => undefined);
      return;
    }
    const last = room.last_message;
    if (last?.id === message.id) return this.applyChange(message);
    const newer = !last || Date.parse(message.sent_at) >= Date.parse(last.sent_at);
    const counts = !message.my_own && !seen;
    this.set({
      ...room,
      last_message: newer ? message : last,
      unread: room.unread + (counts ? 1 : 0),
      late: room.late + (counts && message.late ? 1 : 0),
      first_unread: counts && room.unread === 0 ? message.id : room.first_unread,
    });
  }

  /** An edit, redaction or reaction shows in the list when it is the last message. */
  applyChange(message: Message): void {
    if (this.#byId.get(message.room)?.last_message?.id === message.id)
      this.patch(message.room, { last_message: message });
  }

  async create(room: NewRoom): Promise<Room> {
    const made = await api.rooms.create(room);
    this.set(made);
    return made;
  }

  async change(id: string, change: RoomPatch): Promise<void> {
    const before = this.#byId.get(id);
    this.patch(id, change);
    try {
      this.set(await api.rooms.patch(id, change));
    } catch (error) {
      if (before) this.set(before);
      throw error;
    }
  }

  #replace(rooms: Room[]): void {
    this.#byId = new Map(rooms.map((room) => [room.id, room]));
  }

  #saveSoon(): void {
    clearTimeout(this.#save);
    const owner = session.owner;
    this.#save = setTimeout(() => {
      if (session.owner === owner && session.status === 'active')
        void cache.saveRooms(owner, [...this.#byId.values()]);
    }, SAVE_AFTER_MS);
  }
}

export const rooms = new RoomsState();
