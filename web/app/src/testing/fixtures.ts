// Sample objects for tests, shaped as the node sends them.
import type { Attachment, Message, NodeInfo, Peer, Room, Upload, User } from '$lib/api/types';
import type { OutboxItem, WaitingFile } from '$lib/outbox/types';

export const user = (over: Partial<User> = {}): User => ({
  id: 'u-sato',
  login: 'sato',
  name: '佐藤 花子',
  kana: 'さとう はなこ',
  office: { id: 'o-kita', name: '北支所' },
  section: '地域振興課',
  post: '係長',
  roles: ['staff'],
  ...over,
});

export const message = (over: Partial<Message> = {}): Message => ({
  id: '0192f000-0000-7000-8000-000000000001',
  room: 'r-1',
  author: { id: 'u-tanaka', name: '田中 美咲', office: { id: 'o-hq', name: '本庁' } },
  device_kind: 'browser',
  text: '承知しました。',
  sent_at: '2026-11-22T09:05:00+09:00',
  received_at: '2026-11-22T09:05:01+09:00',
  clock_suspect: false,
  urgent: false,
  drill: false,
  reply_to: null,
  mentions: [],
  edited_at: null,
  redacted: null,
  erased: null,
  reactions: [],
  attachments: [],
  arrived: 1,
  offices: 4,
  read: 0,
  my_own: false,
  late: false,
  conflict: false,
  forked: false,
  after_stop: false,
  signed: 'none',
  unsigned: false,
  entry_kind: 'message',
  ...over,
});

/** `n` messages a minute apart, oldest first. */
export const conversation = (n: number, over: Partial<Message> = {}): Message[] =>
  Array.from({ length: n }, (_, i) =>
    message({
      id: `m-${String(i).padStart(6, '0')}`,
      text: `発言 ${i}`,
      sent_at: new Date(Date.parse('2026-11-20T00:00:00Z') + i * 60_000).toISOString(),
      ...over,
    }),
  );

export const room = (over: Partial<Room> = {}): Room => ({
  id: 'r-1',
  name: '災害対策本部',
  topic: '',
  purpose: '',
  kind: 'group',
  my_role: 'member',
  member_count: 3,
  offices: [],
  unread: 0,
  late: 0,
  first_unread: null,
  last_message: null,
  my_read: null,
  pins: [],
  created_at: '2026-11-20T09:00:00+09:00',
  updated_at: '2026-11-22T09:00:00+09:00',
  drill: false,
  ...over,
});

export const peer = (over: Partial<Peer> = {}): Peer => ({
  node: 'n-hq',
  short: 'ab12cd',
  name: '本庁ノード',
  office: { id: 'o-hq', name: '本庁' },
  organisation: '朝凪市',
  state: 'connected',
  via: 'mdns',
  rtt_ms: 12,
  missing_here: 0,
  missing_there: 0,
  in_sync_as_of: null,
  clock_offset_ms: 0,
  headquarters: true,
  last_heard: null,
  since: null,
  link_cut_by_us: false,
  transport: 'quic',
  waiting: [],
  rate_bytes_per_s: null,
  eta_s: null,
  alarms: [],
  ...over,
});

export const nodeInfo = (over: Partial<NodeInfo> = {}): NodeInfo => ({
  id: 'n-kita',
  short: 'ef34ab',
  name: '北支所ノード',
  office: { id: 'o-kita', name: '北支所' },
  organisation: '朝凪市',
  zone: 'inner',
  version: '0.1.0',
  started_at: '2026-11-22T08:00:00+09:00',
  demo: false,
  clock: { offset_ms: 0, suspect: false },
  storage: { bytes: 1, free_bytes: 1, state: 'ok' },
  headquarters: {
    is_self: false,
    office: '本庁',
    reachable: true,
    since: '2026-11-22T08:00:00+09:00',
    missing_here: 0,
    missing_there: 0,
  },
  ...over,
});

export const outboxItem = (over: Partial<OutboxItem> = {}): OutboxItem => ({
  id: 'p-1',
  owner: 'u-sato@n-kita',
  room: 'r-1',
  body: { text: '北支所、異常ありません。' },
  preview: { reply_to: null, mentions: [] },
  created_at: Date.parse('2026-11-22T09:05:00+09:00'),
  order: 1,
  status: 'waiting',
  attempts: 0,
  next_at: 0,
  wait: null,
  failure: null,
  ...over,
});

export const upload = (over: Partial<Upload> = {}): Upload => ({
  hash: 'ab'.repeat(32),
  size: 120_000,
  mime: 'image/jpeg',
  name: '堤防.jpg',
  width: 1600,
  height: 1200,
  thumbnail: null,
  place: null,
  ...over,
});

export const attachment = (over: Partial<Attachment> = {}): Attachment => ({
  ...upload(),
  state: 'here',
  held_bytes: 120_000,
  ...over,
});

export const waitingFile = (over: Partial<WaitingFile> = {}): WaitingFile => ({
  key: 'f-1',
  name: '堤防.jpg',
  size: 3_000_000,
  type: 'image/jpeg',
  keep_place: false,
  preview: null,
  stored: null,
  ...over,
});

/** Lets everything that is already due run, including fake IndexedDB. */
export async function settle(rounds = 12): Promise<void> {
  for (let i = 0; i < rounds; i++) await new Promise((resolve) => setTimeout(resolve, 0));
}
