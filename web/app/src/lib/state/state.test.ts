import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { api, ApiError, type Page, type Message } from '$lib/api';
import { conversation, message, nodeInfo, peer, room, user } from '../../testing/fixtures';
import { applyEvent } from './events';
import { withReaction } from './message-actions';
import { node } from './node.svelte';
import { peers } from './peers.svelte';
import { rooms, sortRooms } from './rooms.svelte';
import { session } from './session.svelte';
import { opened, Timeline } from './timeline.svelte';
import { widthClass } from './layout.svelte';
import { MAX_ROWS } from '$lib/timeline/window';

const all = conversation(1000);
const refetch = vi.fn();

/** Answers pages of `all` as the node would. */
function servePages(late: Message[] = []) {
  return vi
    .spyOn(api.messages, 'page')
    .mockImplementation(async (_room, where = {}): Promise<Page<Message>> => {
      const limit = where.limit ?? 50;
      if (where.late) return { items: late, next: null, previous: null, seen: '7' };
      const at = (id: string) => all.findIndex((item) => item.id === id);
      let from = all.length - limit;
      if (where.before) from = at(where.before) - limit;
      if (where.after) from = at(where.after) + 1;
      if (where.around) from = at(where.around) - limit / 2;
      const to = where.before ? at(where.before) : Math.min(all.length, Math.max(0, from) + limit);
      from = Math.max(0, from);
      return {
        items: all.slice(from, to),
        next: from > 0 ? all[from]!.id : null,
        previous: to < all.length ? all[to - 1]!.id : null,
        seen: '7',
      };
    });
}

beforeEach(() => {
  rooms.clear();
  peers.clear();
  opened.current = null;
  refetch.mockClear();
  session.me = {
    user: user(),
    roles: ['staff'],
    device: { id: 'd', enrolled: false },
    node: { id: 'n-kita', short: 'x', name: 'x', office: '北支所' },
  };
});
afterEach(() => vi.restoreAllMocks());

describe('events patch what is there', () => {
  test('a message in another room counts as unread once, an own one never', () => {
    rooms.set(room());
    const incoming = message({ id: 'm-1' });
    applyEvent({ type: 'message', room: 'r-1', message: incoming }, refetch);
    applyEvent({ type: 'message', room: 'r-1', message: incoming }, refetch);
    expect(rooms.get('r-1')).toMatchObject({ unread: 1, first_unread: 'm-1', last_message: { id: 'm-1' } });
    const own = message({ id: 'm-2', author: { id: 'u-sato', name: '佐藤 花子', office: null } });
    applyEvent({ type: 'message', room: 'r-1', message: own }, refetch);
    expect(rooms.get('r-1')).toMatchObject({ unread: 1, last_message: { my_own: true } });
    expect(refetch).not.toHaveBeenCalled();
  });

  test('a room nobody told of is fetched, a removed one goes', async () => {
    const get = vi.spyOn(api.rooms, 'get').mockResolvedValue(room({ id: 'r-2', unread: 1 }));
    applyEvent({ type: 'message', room: 'r-2', message: message({ room: 'r-2' }) }, refetch);
    await vi.waitFor(() => expect(rooms.get('r-2')?.unread).toBe(1));
    expect(get).toHaveBeenCalledOnce();
    applyEvent({ type: 'room', room: 'r-2', removed: true }, refetch);
    expect(rooms.get('r-2')).toBeUndefined();
  });

  test('counts, edits and redactions reach the open timeline', async () => {
    servePages();
    rooms.set(room());
    const timeline = new Timeline('r-1');
    opened.current = timeline;
    await timeline.open();
    const last = all.at(-1)!;
    applyEvent(
      { type: 'arrived', room: 'r-1', messages: [{ id: last.id, arrived: 3, offices: 4, read: 2 }] },
      refetch,
    );
    expect(timeline.items.at(-1)).toMatchObject({ arrived: 3, read: 2 });
    applyEvent({ type: 'edited', room: 'r-1', message: { ...last, text: '訂正' } }, refetch);
    expect(timeline.items.at(-1)!.text).toBe('訂正');
    const redacted = { by: { id: 'u', name: 'U' }, at: last.sent_at };
    applyEvent({ type: 'redacted', room: 'r-1', message: { ...last, text: '', redacted } }, refetch);
    expect(timeline.items.at(-1)!.redacted).toEqual(redacted);
    expect(timeline.items).toHaveLength(50);
  });

  test('a room that changes while the list is on its way is asked for again', async () => {
    let answer: (list: ReturnType<typeof room>[]) => void = () => undefined;
    vi.spyOn(api.rooms, 'all').mockImplementation(() => new Promise((resolve) => (answer = resolve)));
    const get = vi.spyOn(api.rooms, 'get').mockResolvedValue(room({ unread: 1 }));
    rooms.set(room());
    const loading = rooms.load();
    applyEvent({ type: 'message', room: 'r-1', message: message() }, refetch);
    answer([room(), room({ id: 'r-2' })]);
    await loading;
    expect(get.mock.calls).toEqual([['r-1']]);
    expect(rooms.get('r-1')!.unread).toBe(1);
  });

  test('only «refetch» asks for everything', () => {
    applyEvent({ type: 'refetch' }, refetch);
    expect(refetch).toHaveBeenCalledOnce();
  });

  test('the line to headquarters shows at once', () => {
    vi.spyOn(api.session, 'node').mockRejectedValue(new Error('later'));
    node.info = nodeInfo();
    applyEvent(
      {
        type: 'peer',
        peer: peer({ state: 'unreachable', missing_there: 5, since: '2026-11-22T08:20:00+09:00' }),
      },
      refetch,
    );
    expect(node.info.headquarters).toMatchObject({
      reachable: false,
      missing_there: 5,
      since: '2026-11-22T08:20:00+09:00',
    });
    expect(peers.list[0]!.state).toBe('unreachable');
  });
});

describe('the timeline', () => {
  test('walks a long room in both directions and never draws more than its limit', async () => {
    servePages();
    const timeline = new Timeline('r-1');
    await timeline.open();
    for (let i = 0; i < 60; i++) await timeline.showOlder();
    expect(timeline.items).toHaveLength(1000);
    expect(timeline.view[0]!.id).toBe(all[0]!.id);
    expect(timeline.view.length).toBeLessThanOrEqual(MAX_ROWS);
    expect(timeline.older).toBe(false);
    for (let i = 0; i < 60; i++) await timeline.showNewer();
    expect(timeline.view.at(-1)!.id).toBe(all.at(-1)!.id);
    expect(timeline.view.length).toBeLessThanOrEqual(MAX_ROWS);
    expect(timeline.items.map((item) => item.id)).toEqual(all.map((item) => item.id));
  });

  test('opens at the first unread message when that is far up, and finds the way down', async () => {
    servePages();
    rooms.set(room({ unread: 500, first_unread: all[500]!.id }));
    const timeline = new Timeline('r-1');
    await timeline.open();
    expect(timeline.firstUnread).toBe(all[500]!.id);
    expect(timeline.newer).toBe(true);
    expect(timeline.target).toEqual({ to: 'unread' });
    await timeline.showEnd();
    expect(timeline.newer).toBe(false);
    expect(timeline.items.at(-1)!.id).toBe(all.at(-1)!.id);
  });

  test('a message that arrives while reading further up waits below and is counted', async () => {
    servePages();
    const timeline = new Timeline('r-1');
    await timeline.open(all[200]!.id);
    timeline.atEnd = false;
    timeline.apply(message({ id: 'new', sent_at: '2027-01-01T00:00:00Z' }));
    expect(timeline.fresh).toBe(1);
    expect(timeline.items.some((item) => item.id === 'new')).toBe(false);
  });

  test('a late message takes its place, is listed as late, and moves nothing', async () => {
    servePages();
    const timeline = new Timeline('r-1');
    await timeline.open();
    const between = new Date(Date.parse(all[980]!.sent_at) + 1000).toISOString();
    timeline.apply(message({ id: 'late', sent_at: between, late: true }));
    expect(timeline.late).toEqual(['late']);
    expect(timeline.items.findIndex((item) => item.id === 'late')).toBe(31);
    expect(timeline.view).toHaveLength(51);
  });

  test('what lands below my mark is read once it has been on the screen', async () => {
    servePages();
    const mark = vi.spyOn(api.rooms, 'markRead').mockResolvedValue();
    const last = all.at(-1)!.id;
    rooms.set(room({ my_read: last, last_message: all.at(-1)! }));
    const timeline = new Timeline('r-1');
    await timeline.open();
    const between = new Date(Date.parse(all[980]!.sent_at) + 1000).toISOString();
    timeline.apply(message({ id: 'relayed', sent_at: between, received_at: between }));
    timeline.apply(message({ id: 'days-later', sent_at: between, received_at: '2027-01-01T00:00:00Z' }));
    expect(timeline.late).toEqual(['days-later']);
    timeline.seeLate(() => ['relayed', all[999]!.id]);
    await timeline.flushRead();
    expect(mark.mock.calls).toEqual([['r-1', last, { seen: '7', late: ['relayed'], all_late: false }]]);
    timeline.told('9');
    timeline.seeLate(() => ['days-later']);
    await timeline.flushRead();
    expect(mark).toHaveBeenLastCalledWith('r-1', last, { seen: '9', late: ['days-later'], all_late: false });
    timeline.noteLate();
    expect(mark).toHaveBeenLastCalledWith('r-1', last, { seen: '9', late: [], all_late: true });
  });

  test('a message that comes while a page is on its way is not lost', async () => {
    let answer: (page: Page<Message>) => void = () => undefined;
    vi.spyOn(api.messages, 'page').mockImplementation(() => new Promise((resolve) => (answer = resolve)));
    const timeline = new Timeline('r-1');
    const opening = timeline.open();
    timeline.apply(message({ id: 'new', sent_at: '2027-01-01T00:00:00Z' }));
    answer({ items: all.slice(-50), next: all[950]!.id, previous: null });
    await opening;
    expect(timeline.items.at(-1)!.id).toBe('new');

    const refreshing = timeline.refresh(null);
    timeline.apply(message({ id: 'newer', sent_at: '2027-01-01T00:00:01Z' }));
    answer({ items: [...all.slice(-49), timeline.items[50]!], next: all[951]!.id, previous: null });
    await refreshing;
    expect(timeline.items.map((item) => item.id).slice(-2)).toEqual(['new', 'newer']);
  });

  test('so is one that comes while the reader reaches the end from above', async () => {
    const page = servePages();
    const timeline = new Timeline('r-1');
    await timeline.open(all[940]!.id);
    let answer: (page: Page<Message>) => void = () => undefined;
    page.mockImplementationOnce(() => new Promise((resolve) => (answer = resolve)));
    const reaching = timeline.showNewer();
    timeline.apply(message({ id: 'new', sent_at: '2027-01-01T00:00:00Z' }));
    answer({ items: all.slice(965), next: all[965]!.id, previous: null });
    await reaching;
    expect(timeline.items.slice(-2).map((item) => item.id)).toEqual([all.at(-1)!.id, 'new']);
  });

  test('the same message twice is one message', async () => {
    servePages();
    const timeline = new Timeline('r-1');
    await timeline.open();
    timeline.apply(message({ ...all.at(-1)!, arrived: 2 }));
    expect(timeline.items).toHaveLength(50);
    expect(timeline.items.at(-1)!.arrived).toBe(2);
  });

  test('the read mark only goes forward, and is repeated when the node was away', async () => {
    servePages();
    const mark = vi.spyOn(api.rooms, 'markRead').mockRejectedValueOnce(new Error('away')).mockResolvedValue();
    rooms.set(room({ unread: 10, first_unread: all[990]!.id, my_read: all[989]!.id }));
    const timeline = new Timeline('r-1');
    await timeline.open();
    timeline.see(all[980]!.id);
    timeline.see(all[995]!.id);
    timeline.see(all[992]!.id);
    await timeline.flushRead();
    expect(mark).toHaveBeenLastCalledWith('r-1', all[995]!.id, { seen: '7', late: [], all_late: false });
    expect(rooms.get('r-1')!.unread).toBe(10);
    await timeline.flushRead();
    expect(mark).toHaveBeenCalledTimes(2);
    expect(rooms.get('r-1')).toMatchObject({ unread: 4, my_read: all[995]!.id, first_unread: all[996]!.id });
  });

  test('what arrived late lies above the line of the unread and is listed by itself', async () => {
    servePages([all[100]!]);
    vi.spyOn(api.rooms, 'markRead').mockResolvedValue();
    rooms.set(room({ unread: 4, late: 1, first_unread: all[100]!.id, my_read: all[996]!.id }));
    const timeline = new Timeline('r-1');
    await timeline.open();
    expect(timeline.firstUnread).toBe(all[997]!.id);
    expect(timeline.late).toEqual([all[100]!.id]);
    expect(timeline.nextLate()).toBe(all[100]!.id);
    expect(timeline.late).toEqual([]);
    await timeline.flushRead();
    const shown = { seen: '7', late: [all[100]!.id], all_late: false };
    expect(api.rooms.markRead).toHaveBeenCalledWith('r-1', all[996]!.id, shown);
  });

  test('a late message counts as unread even for somebody who looks at the end of the room', async () => {
    servePages();
    rooms.set(room({ last_message: all.at(-1)! }));
    const timeline = new Timeline('r-1');
    opened.current = timeline;
    await timeline.open();
    applyEvent(
      { type: 'message', room: 'r-1', message: message({ ...all[990]!, id: 'late', late: true }) },
      refetch,
    );
    expect(rooms.get('r-1')).toMatchObject({ unread: 1, late: 1, last_message: { id: all.at(-1)!.id } });
    expect(timeline.late).toEqual(['late']);
  });

  test('a mark says what was on the screen when it was put, and starts anew where that is too long ago', async () => {
    servePages();
    const gone = new ApiError(422, 'unknown_cursor', '', '', null);
    const mark = vi.spyOn(api.rooms, 'markRead').mockRejectedValueOnce(gone).mockResolvedValue();
    rooms.set(room({ unread: 3, first_unread: all[997]!.id, my_read: all[996]!.id }));
    const timeline = new Timeline('r-1');
    opened.current = timeline;
    await timeline.open();
    applyEvent({ type: 'read', room: 'r-2', user: 'u-x', message: 'm', at: '', cursor: '41' }, refetch);
    timeline.see(all[998]!.id);
    timeline.told('50');
    await timeline.flushRead();
    expect(mark.mock.calls[0]![2]).toMatchObject({ seen: '41' });
    await timeline.flushRead();
    expect(mark.mock.calls[1]![2]).toMatchObject({ seen: '7' });
  });

  test('a room that may not be seen says so', async () => {
    vi.spyOn(api.messages, 'page').mockRejectedValue(new ApiError(404, 'not_found', '', '', null));
    const timeline = new Timeline('r-1');
    await timeline.open();
    expect(timeline.status).toBe('missing');
  });
});

describe('switching lines', () => {
  test('shows at once and is taken back when the node refuses', async () => {
    peers.apply(peer());
    peers.apply(peer({ node: 'n-2', headquarters: false, office: '南支所' }));
    let refuse: (error: unknown) => void = () => undefined;
    vi.spyOn(api.peers, 'setCut').mockReturnValue(new Promise((_, reject) => (refuse = reject)));
    const asked = peers.setCut('all', true);
    expect(peers.list.map((one) => one.state)).toEqual(['cut', 'cut']);
    expect(peers.pending.has('all')).toBe(true);
    refuse(new ApiError(403, 'forbidden', '', '', null));
    await expect(asked).rejects.toThrow();
    expect(peers.list.map((one) => one.state)).toEqual(['connected', 'connected']);
    expect(peers.pending.size).toBe(0);
  });

  test('a restored line is not called connected before it is', async () => {
    peers.apply(peer({ state: 'cut', link_cut_by_us: true }));
    vi.spyOn(api.peers, 'setCut').mockResolvedValue();
    vi.spyOn(api.peers, 'list').mockRejectedValue(new Error('later'));
    await peers.setCut('n-hq', false);
    expect(peers.list[0]).toMatchObject({ state: 'unreachable', link_cut_by_us: false });
  });
});

describe('small things', () => {
  test('rooms by activity, unread first when wanted', () => {
    const a = room({ id: 'a', updated_at: '2026-11-22T09:00:00+09:00' });
    const b = room({ id: 'b', updated_at: '2026-11-22T08:00:00+09:00', unread: 1 });
    expect(sortRooms([b, a], false).map((one) => one.id)).toEqual(['a', 'b']);
    expect(sortRooms([a, b], true).map((one) => one.id)).toEqual(['b', 'a']);
  });

  test('a reaction is added and taken back without touching the original', () => {
    const me = { id: 'u', name: 'U' };
    const before = message({ reactions: [{ stamp: 'ryokai', users: [{ id: 'x', name: 'X' }] }] });
    const added = withReaction(before, 'ryokai', me, true);
    expect(added.reactions[0]!.users).toHaveLength(2);
    expect(withReaction(added, 'ryokai', me, false).reactions[0]!.users).toHaveLength(1);
    expect(withReaction(message(), 'buji', me, true).reactions).toEqual([{ stamp: 'buji', users: [me] }]);
    expect(before.reactions[0]!.users).toHaveLength(1);
  });

  test('doubled text on a desk screen gets the layout of a phone', () => {
    expect(widthClass(1280, 16)).toBe('desk');
    expect(widthClass(1280, 32)).toBe('phone');
    expect(widthClass(900, 16)).toBe('tablet');
    expect(widthClass(360, 16)).toBe('phone');
    expect(widthClass(360, 32)).toBe('tiny');
  });
});
