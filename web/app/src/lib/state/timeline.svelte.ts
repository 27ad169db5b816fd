// The messages of the open room: a contiguous run of the room's history, the slice of it that is drawn, and my read mark.
import { api, ApiError, type Message, type Page, type Room } from '$lib/api';
import type { Counts, Held } from '$lib/events/types';
import { cache } from '$lib/store/cache';
import { isMuchLater } from '$lib/timeline/late';
import { positionOf, sameMessage } from '$lib/timeline/order';
import { around, MAX_ROWS, shifted, slideDown, slideUp, tail, type Slice } from '$lib/timeline/window';
import { rooms } from './rooms.svelte';
import { session } from './session.svelte';

const PAGE = 50;
const LATE_LISTED = 200;
const READ_AFTER_MS = 300;
const COUNTS_AFTER_MS = 500;

/** Where the view should go once the rows are drawn. */
export type Target = { to: 'end' } | { to: 'unread' } | { to: 'message'; id: string };

export class Timeline {
  items = $state.raw<Message[]>([]);
  slice = $state.raw<Slice>({ from: 0, to: 0 });
  status = $state<'loading' | 'ready' | 'offline' | 'missing' | 'error'>('loading');
  /** Where the node goes on to earlier messages; null at the start of the room. */
  #before = $state<string | null>(null);
  /** Where it goes on to newer ones; null when the run reaches the end of the room. */
  #after = $state<string | null>(null);
  busy = $state<'older' | 'newer' | null>(null);
  firstUnread = $state<string | null>(null);
  /** Messages below what is on the screen that came while looking elsewhere. */
  fresh = $state(0);
  late = $state.raw<string[]>([]);
  /** Late ones that have not been on the screen; while there are any, the mark does not cover all of it. */
  #unseenLate = new Set<string>();
  /** Late ones that were shown and of which the node does not know yet. */
  #shownLate = new Set<string>();
  #allLate = false;
  /** Everything the node told up to this place of the event stream is in here. */
  #told: string | null = null;
  /** The same as it was when the mark was put. */
  #unsentTold: string | null = null;
  target = $state.raw<Target | null>(null);
  /** Kept by the view: the newest message is on the screen. */
  atEnd = true;

  #closed = false;
  #mark: string | null = null;
  #markSent = 0;
  #unsentMark: string | null = null;
  #readTimer: ReturnType<typeof setTimeout> | undefined;
  #countsTimer: ReturnType<typeof setTimeout> | undefined;
  /** Counts what made the run start anew, so that an answer to an older question is dropped. */
  #run = 0;
  /** New messages that came while pages were on their way, or that lie beyond the run. */
  #held: Message[] = [];
  #loading = 0;
  /** The room as it was when it was opened, until the first page says where its unread messages are. */
  #toFind: Room | null = null;

  constructor(readonly room: string) {}

  get view(): Message[] {
    return this.items.slice(this.slice.from, this.slice.to);
  }

  get older(): boolean {
    return this.#before !== null;
  }

  get newer(): boolean {
    return this.#after !== null;
  }

  get endInView(): boolean {
    return !this.newer && this.slice.to === this.items.length;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#countsTimer);
    clearTimeout(this.#readTimer);
    void this.flushRead();
  }

  /** Opens at the first unread message, or at the end. */
  async open(message?: string): Promise<void> {
    const room = rooms.get(this.room);
    this.#mark = room?.my_read ?? null;
    this.#markSent = room && room.unread === 0 ? Date.parse(room.last_message?.sent_at ?? '') || 0 : 0;
    this.#toFind = room && room.unread > 0 ? room : null;
    if (message) await this.openAround(message, { to: 'message', id: message });
    else if (room && room.unread >= PAGE - 5 && (room.my_read ?? room.first_unread))
      await this.openAround((room.my_read ?? room.first_unread)!, { to: 'unread' });
    else await this.openEnd(room && room.unread > 0 ? { to: 'unread' } : { to: 'end' });
    if (room && room.late > 0) await this.#loadLate();
  }

  /** What arrived late since I was here may lie anywhere in the room: the node lists it. */
  async #loadLate(): Promise<void> {
    const page = await api.messages.page(this.room, { late: true, limit: LATE_LISTED }).catch(() => null);
    if (!page || this.#closed) return;
    this.late = page.items.map((item) => item.id);
    this.#unseenLate = new Set(this.late);
  }

  /** An event was taken in. */
  told(cursor: string | undefined): void {
    if (cursor !== undefined && Number(cursor) > Number(this.#told ?? -1)) this.#told = cursor;
  }

  /**
   * The line «unread from here» stands after what I had read. What arrived late lies above it, unread all the same, and
   * is listed by itself.
   */
  #findUnread(room: Room): void {
    const read = this.items.findIndex((item) => item.id === room.my_read);
    const first =
      read >= 0
        ? this.items.slice(read + 1).find((item) => !item.my_own)
        : this.items.find((item) => item.id === room.first_unread && !item.late);
    this.firstUnread = first?.id ?? null;
  }

  async openEnd(target: Target = { to: 'end' }): Promise<void> {
    await this.#openPage(() => api.messages.page(this.room, { limit: PAGE }), target);
    if (this.status === 'ready') {
      this.fresh = 0;
      void cache.saveMessages(session.owner, this.room, this.items);
    }
  }

  async openAround(id: string, target: Target): Promise<void> {
    await this.#openPage(() => api.messages.page(this.room, { limit: PAGE, around: id }), target);
  }

  /** The stream could not resume: take everything anew, but stay where the person looks. */
  async refresh(anchor: string | null): Promise<void> {
    this.#told = null;
    if (this.status !== 'ready') return this.open();
    if (this.atEnd || !anchor) {
      const before = this.target;
      await this.openEnd(before ?? { to: 'end' });
    } else {
      await this.openAround(anchor, { to: 'message', id: anchor });
      this.target = null;
    }
    void this.flushRead();
  }

  async #openPage(load: () => Promise<Page<Message>>, target: Target): Promise<void> {
    const run = ++this.#run;
    if (this.items.length === 0) this.status = 'loading';
    this.#loading++;
    try {
      const page = await load();
      if (this.#closed || run !== this.#run) return;
      this.items = page.items;
      this.told(page.seen);
      this.#before = page.next;
      this.#after = page.previous ?? null;
      this.slice = tail(page.items.length);
      if (this.#toFind) this.#findUnread(this.#toFind);
      this.#toFind = null;
      this.status = 'ready';
      this.target = target;
      this.#release();
    } catch (error) {
      if (this.#closed || run !== this.#run) return;
      await this.#openFailed(error);
    } finally {
      this.#loading--;
    }
  }

  /** What came in meanwhile, now that it has a place; known messages are passed over. */
  #release(): void {
    if (this.newer) return;
    const held = this.#held;
    this.#held = [];
    for (const message of held)
      if (!this.items.some((item) => sameMessage(item, message))) this.#place(message, false);
  }

  async #openFailed(error: unknown): Promise<void> {
    const status = (error as { status?: number }).status;
    if (status === 404 || status === 403) {
      this.status = 'missing';
      return;
    }
    if (this.items.length > 0) return;
    const saved = await cache.messages(session.owner, this.room);
    if (saved) {
      this.items = saved;
      this.slice = tail(saved.length);
      this.target = { to: 'end' };
    }
    this.status = saved ? 'offline' : 'error';
  }

  /** Something earlier for the top of the view: from memory, else from the node. */
  async showOlder(): Promise<void> {
    if (this.slice.from > 0) {
      this.slice = slideUp(this.slice);
      return;
    }
    const before = this.#before;
    if (before === null || this.busy) return;
    await this.#extend(
      'older',
      () => api.messages.page(this.room, { limit: PAGE, before }),
      (page) => {
        const added = this.#unknown(page.items);
        this.items = [...added, ...this.items];
        this.slice = slideUp(shifted(this.slice, added.length));
        this.#before = page.next;
      },
    );
  }

  async showNewer(): Promise<void> {
    if (this.slice.to < this.items.length) {
      this.slice = slideDown(this.slice, this.items.length);
      return;
    }
    const after = this.#after;
    if (after === null || this.busy) return;
    await this.#extend(
      'newer',
      () => api.messages.page(this.room, { limit: PAGE, after }),
      (page) => {
        this.items = [...this.items, ...this.#unknown(page.items)];
        this.#after = page.previous ?? null;
        this.slice = slideDown(this.slice, this.items.length);
        if (!this.newer) this.fresh = 0;
        this.#release();
      },
    );
  }

  /** An event may have brought what a page brings again. */
  #unknown(page: Message[]): Message[] {
    return page.filter((message) => !this.items.some((item) => sameMessage(item, message)));
  }

  async #extend(
    side: 'older' | 'newer',
    load: () => Promise<Page<Message>>,
    take: (page: Page<Message>) => void,
  ): Promise<void> {
    const run = this.#run;
    this.busy = side;
    try {
      const page = await load();
      if (!this.#closed && run === this.#run) take(page);
    } finally {
      this.busy = null;
    }
  }

  /** Shows one message, from memory when it is loaded. */
  async reveal(id: string): Promise<void> {
    const index = this.items.findIndex((item) => item.id === id);
    if (index < 0) return this.openAround(id, { to: 'message', id });
    if (index < this.slice.from || index >= this.slice.to) this.slice = around(index, this.items.length);
    this.target = { to: 'message', id };
  }

  async showEnd(): Promise<void> {
    this.fresh = 0;
    if (this.newer) return this.openEnd();
    this.slice = tail(this.items.length);
    this.target = { to: 'end' };
  }

  /** A new message, or a new version of a known one. */
  apply(message: Message): void {
    const known = this.items.findIndex((item) => sameMessage(item, message));
    if (known >= 0) {
      this.items = this.items.with(known, message);
      return;
    }
    if (this.#loading > 0 || this.busy !== null) this.#held.push(message);
    if (this.status === 'ready') this.#place(message, true);
  }

  /** @param first false when the message was counted already */
  #place(message: Message, first: boolean): void {
    const index = positionOf(this.items, message);
    const atTail = index === this.items.length;
    if (first && !message.my_own) this.#noticeLate(message, index);
    if (atTail && this.newer) {
      if (first && !message.my_own) this.fresh++;
      return;
    }
    if (index === 0 && this.older) return;
    this.#insert(index, atTail, message);
  }

  /** The node tells of a new message to everybody alike; whether it lies below my own mark is for me to see. */
  #noticeLate(message: Message, index: number): void {
    const marked = this.items.findIndex((item) => item.id === this.#mark);
    if (!message.late && index > marked) return;
    // The mark was put before this came.
    void this.flushRead();
    this.#unseenLate.add(message.id);
    if (message.late || isMuchLater(message)) this.late = [...this.late, message.id];
  }

  #insert(index: number, atTail: boolean, message: Message): void {
    const drawn = this.slice.to === this.items.length;
    this.items = this.items.toSpliced(index, 0, message);
    const { from, to } = this.slice;
    const follow = this.atEnd || message.my_own;
    if (atTail && !message.my_own && !this.atEnd) this.fresh++;
    if (index < from) this.slice = shifted(this.slice, 1);
    else if (!atTail && index < to) this.slice = { from, to: to + 1 };
    else if (atTail && drawn && follow) this.slice = tail(this.items.length);
    else if (atTail && drawn && to - from < MAX_ROWS) this.slice = { from, to: to + 1 };
    if (atTail && message.my_own) this.target = { to: 'end' };
  }

  /** A new version of a message that may not be loaded. */
  replace(message: Message): void {
    const known = this.items.findIndex((item) => sameMessage(item, message));
    const index =
      known >= 0 ? known : this.items.findIndex((item) => item.id === message.id && !item.conflict);
    if (index >= 0) this.items = this.items.with(index, message);
  }

  applyCounts(counts: readonly Counts[]): void {
    clearTimeout(this.#countsTimer);
    const byId = new Map(counts.map((count) => [count.id, count]));
    if (!this.items.some((item) => byId.has(item.id))) return;
    this.items = this.items.map((item) => {
      const count = byId.get(item.id);
      return count ? { ...item, arrived: count.arrived, offices: count.offices, read: count.read } : item;
    });
  }

  /** More of an attachment is here, or it is no longer on its way. */
  applyHeld({ hash, state, held_bytes }: Held): void {
    if (!this.items.some((item) => item.attachments.some((one) => one.hash === hash))) return;
    this.items = this.items.map((item) => ({
      ...item,
      attachments: item.attachments.map((one) => (one.hash === hash ? { ...one, state, held_bytes } : one)),
    }));
  }

  /** Somebody read on; unless the node tells the new counts itself, ask for them once. */
  countsChanged(): void {
    clearTimeout(this.#countsTimer);
    this.#countsTimer = setTimeout(() => void this.#fetchCounts(), COUNTS_AFTER_MS);
  }

  async #fetchCounts(): Promise<void> {
    const page = await api.messages.page(this.room, { limit: PAGE }).catch(() => null);
    if (page && !this.#closed) this.applyCounts(page.items);
  }

  /** The message has been on the screen in front of somebody. */
  see(id: string): void {
    const message = this.items.find((item) => item.id === id);
    if (!message || id === this.#mark) return;
    const sent = Date.parse(message.sent_at) || 0;
    if (sent < this.#markSent) return;
    const marked = this.#mark === null ? -1 : this.items.findIndex((item) => item.id === this.#mark);
    if (marked >= 0 && this.items.indexOf(message) <= marked) return;
    this.#mark = id;
    this.#markSent = sent;
    this.#putMark(id);
  }

  #putMark(id: string | null): void {
    this.#unsentMark = id;
    this.#unsentTold = this.#told;
    clearTimeout(this.#readTimer);
    this.#readTimer = setTimeout(() => void this.flushRead(), READ_AFTER_MS);
  }

  /** The next of those that arrived late, to be shown. */
  nextLate(): string | undefined {
    const [next] = this.late;
    if (next !== undefined) this.#noteShown([next]);
    return next;
  }

  /** All that arrived late has been taken note of. */
  noteLate(): void {
    this.late = [];
    this.#unseenLate.clear();
    this.#allLate = true;
    this.#markAgain();
    void this.flushRead();
  }

  /** These are on the screen in front of somebody: late ones among them have been read. */
  seeLate(ids: () => string[]): void {
    if (this.#unseenLate.size === 0) return;
    const shown = ids().filter((id) => this.#unseenLate.has(id));
    if (shown.length > 0) this.#noteShown(shown);
  }

  #noteShown(ids: string[]): void {
    for (const id of ids) {
      this.#unseenLate.delete(id);
      this.#shownLate.add(id);
    }
    this.late = this.late.filter((id) => !ids.includes(id));
    this.#markAgain();
  }

  /** Late ones lie below the mark: setting it again says that they were seen too. */
  #markAgain(): void {
    this.#putMark(this.#unsentMark ?? this.#mark ?? this.items.at(-1)?.id ?? null);
  }

  async flushRead(): Promise<void> {
    const [mark, seen] = [this.#unsentMark, this.#unsentTold ?? this.#told];
    if (mark === null || seen === null) return;
    clearTimeout(this.#readTimer);
    this.#unsentMark = null;
    const late = [...this.#shownLate].slice(0, LATE_LISTED);
    const allLate = this.#allLate;
    try {
      await api.rooms.markRead(this.room, mark, { seen, late, all_late: allLate });
      for (const id of late) this.#shownLate.delete(id);
      if (allLate) this.#allLate = false;
      this.#markedRead(mark);
    } catch (error) {
      this.#unsentMark ??= mark;
      // The node cannot tell any more what came since: the next page says where it stands now.
      if (error instanceof ApiError && error.code === 'unknown_cursor') {
        const page = await api.messages.page(this.room, { limit: 1 }).catch(() => null);
        this.#told = this.#unsentTold = page?.seen ?? null;
      }
    }
  }

  #markedRead(mark: string): void {
    const index = this.items.findIndex((item) => item.id === mark);
    if (index < 0 || this.newer || this.late.length > 0) {
      void rooms.fetch(this.room).catch(() => undefined);
      return;
    }
    const rest = this.items.slice(index + 1).filter((item) => !item.my_own);
    const [unread, first_unread] = [rest.length, rest[0]?.id ?? null];
    rooms.patch(this.room, { my_read: mark, unread, late: 0, first_unread });
  }
}

/** The timeline that is on the screen, for the events to reach. */
class Open {
  current = $state.raw<Timeline | null>(null);

  for(room: string): Timeline | null {
    return this.current?.room === room ? this.current : null;
  }
}

export const opened = new Open();
