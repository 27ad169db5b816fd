// The wire types of the node's HTTP interface, exactly as it sends them. Times are RFC 3339 text.

export type Time = string;
export type RoleName = 'system_admin' | 'office_admin' | 'drill_controller' | 'staff' | 'guest';
export type RoomRole = 'admin' | 'member';
export type RoomKind = 'group' | 'direct' | 'announcement';
export type PeerState = 'connected' | 'cut' | 'unreachable';
export type PeerVia = 'mdns' | 'directory' | 'configured' | 'relay';

export interface Page<T> {
  items: T[];
  next: string | null;
  previous?: string | null;
  /** Of messages: the place of the event stream at which the page is as it is. */
  seen?: string;
}

/** Some answers name an office by its name alone, others by id and name: `nameOf` reads both. */
export interface Named {
  id: string;
  name: string;
}
export type NameLike = Named | string | null | undefined;

export const nameOf = (value: NameLike): string => (typeof value === 'string' ? value : (value?.name ?? ''));

export interface Office extends Named {
  kind: 'headquarters' | 'branch' | 'fire' | 'shelter' | 'health' | 'other';
  hub: boolean;
  nodes: string[];
}

export interface User extends Named {
  login: string | null;
  kana: string;
  office: Named;
  section: string | null;
  post: string | null;
  roles: RoleName[];
}

/** The device I am at. */
export interface ThisDevice {
  id: string;
  enrolled: boolean;
  name?: string | null;
  /** It holds a key of its own. */
  signs?: boolean;
  /** Names the key that was enrolled. */
  key_id?: string | null;
}

export interface NodeName {
  id: string;
  short: string;
  name: string;
  office: NameLike;
}

export interface Me {
  user: User;
  roles: RoleName[];
  device: ThisDevice;
  node: NodeName;
  /** Until when this device may go on without hearing from the node. */
  lease_until?: Time | null;
  passcode?: { set: boolean; required: boolean };
  locked?: boolean;
  /** 0: never. */
  idle_lock_minutes?: number;
  rules?: { version: number | string; accepted: boolean } | null;
  /** `initial`: it came on paper. `alone`: nothing else is asked at a log-in. */
  password?: { initial: boolean; alone: boolean };
}

export interface Login {
  user: User;
  device: ThisDevice;
  node: NodeName;
}

export interface Headquarters {
  is_self: boolean;
  office: NameLike;
  reachable: boolean;
  since: Time | null;
  missing_here: number;
  missing_there: number;
}

export interface NodeInfo {
  id: string;
  short: string;
  name: string;
  office: NameLike;
  organisation: NameLike;
  zone: string;
  version: string;
  started_at: Time;
  demo: boolean;
  clock: { offset_ms: number | null; suspect: boolean };
  storage: { bytes: number; free_bytes: number; state: string };
  headquarters: Headquarters | null;
}

export interface EnrolledDevice {
  id: string;
  user: Named;
  name: string;
  enrolled_at: Time | null;
  office: Named | null;
  last_seen: Time | null;
  state: 'active' | 'suspended';
  suspended: Suspension | null;
  signs: boolean;
  /** Known at this node. */
  here: boolean;
  sessions: number;
}

export interface DeviceRequest {
  id: string;
  user: Named;
  by: Named;
  at: Time;
  reason: string;
  state: 'open' | 'issued' | 'declined';
}

export interface Suspension {
  at: Time;
  /** Null: the node by itself, such as after ten wrong passcodes. */
  by: Named | null;
  reason: string;
  /** False: only where it was said, until the home office or an administrator confirms. */
  everywhere?: boolean;
}

export interface Rules {
  version: number | string;
  text: string;
  updated_at: Time | null;
  accepted_at: Time | null;
  /** How many of how many people have accepted this version. */
  accepted?: number;
  people?: number;
}

export interface Peer {
  node: string;
  short: string;
  name: string;
  office: NameLike;
  organisation: NameLike;
  state: PeerState;
  via: PeerVia | null;
  rtt_ms: number | null;
  missing_here: number | null;
  missing_there: number | null;
  in_sync_as_of: Time | null;
  clock_offset_ms: number | null;
  headquarters: boolean;
  last_heard: Time | null;
  since: Time | null;
  link_cut_by_us: boolean;
  transport: Transport | null;
  waiting: Waiting[];
  rate_bytes_per_s: number | null;
  eta_s: number | null;
  alarms: PeerAlarm[];
}

export type Transport = 'quic' | 'tcp';
export type WaitingClass = 'urgent' | 'policy' | 'newest' | 'history' | 'attachments';

/** What is missing on either side, in the order in which it goes. */
export interface Waiting {
  class: WaitingClass;
  here_entries: number;
  there_entries: number;
  bytes: number;
}

export interface PeerAlarm {
  code: string;
  text: string;
  since: Time | null;
}

/** A time that a line was not there. */
export interface Cut {
  node: string;
  name: string;
  office: Named | null;
  from: Time;
  until: Time | null;
  reason: 'cut_here' | 'cut_there' | 'lost';
}

export interface MapNode {
  node: string;
  name: string;
  office: Named | null;
  headquarters: boolean;
  this: boolean;
  reachable: boolean;
  reported_at: Time | null;
}

export interface MapLine {
  a: string;
  b: string;
  state: 'up' | 'cut' | 'down';
  transport: Transport | null;
  rtt: 'unknown' | 'near' | 'middle' | 'far' | 'slow';
  since: Time;
  /** Said by nobody who can be asked now. */
  old: boolean;
}

export interface MapView {
  nodes: MapNode[];
  lines: MapLine[];
}

export interface Author extends Named {
  office: Named | null;
}

export interface Reaction {
  stamp: string;
  users: Named[];
}

/** Why content is erased for good. */
export type Grounds = 'personal_data' | 'drill' | 'retention';

export interface Erased {
  grounds: Grounds;
  reason: string;
  by: Named;
  at: Time;
}

export interface Erasure {
  messages: string[];
  grounds: Grounds;
  reason: string;
  dry_run?: boolean;
}

/** What goes at this node, and at how many offices the room is. */
export interface ErasureCounts {
  messages: number;
  entries: number;
  bytes: number;
  offices: number;
}

export interface Message {
  id: string;
  room: string;
  author: Author;
  device_kind: string | null;
  text: string;
  sent_at: Time;
  received_at: Time;
  clock_suspect: boolean;
  urgent: boolean;
  drill: boolean;
  reply_to: { id: string; author_name: string; excerpt: string } | null;
  mentions: Named[];
  edited_at: Time | null;
  redacted: { by: Named; at: Time } | null;
  /** Nothing is left of what it said. */
  erased: Erased | null;
  reactions: Reaction[];
  attachments: Attachment[];
  arrived: number;
  offices: number;
  read: number;
  my_own: boolean;
  late: boolean;
  conflict: boolean;
  /** Of one of several histories that a copied node wrote under one name. */
  forked: boolean;
  /** Written after the person or device was stopped, where that was not known yet. */
  after_stop: boolean;
  /** Whether a device of the author signed what it says. */
  signed: 'device' | 'none';
  /** Not signed although it matters: urgent, or written away from the author's own office. */
  unsigned: boolean;
  entry_kind: 'message' | 'system';
}

/** Where the bytes of an attachment are, as this node sees it. */
export type AttachmentState = 'here' | 'coming' | 'elsewhere' | 'erased';

export interface Place {
  lat: number;
  lon: number;
}

/** What the node made of an upload. Pictures are made anew there, so size and hash are not those of what was sent. */
export interface Upload {
  /** 64 hex digits. */
  hash: string;
  size: number;
  mime: string;
  name: string;
  width: number | null;
  height: number | null;
  /** A `data:` URL of a small JPEG, of pictures alone. */
  thumbnail: string | null;
  place: Place | null;
}

export interface Attachment extends Upload {
  state: AttachmentState;
  held_bytes: number;
}

export interface Room extends Named {
  topic: string | null;
  purpose: string | null;
  kind: RoomKind;
  my_role: RoomRole | null;
  member_count: number;
  offices: Named[];
  unread: number;
  /** How many of them arrived below what I had read. */
  late: number;
  first_unread: string | null;
  last_message: Message | null;
  my_read: string | null;
  pins: string[];
  created_at: Time;
  updated_at: Time;
  drill: boolean;
}

export interface Member {
  user: User;
  role: RoomRole;
  added_at: Time;
}

export interface Receipts {
  read: { user: Author; at: Time }[];
  unread: Author[];
  arrived: { node: string; office: NameLike; at: Time }[];
  missing: { node: string; office: NameLike }[];
}

/** What a device sends for one message; the id travels in the path. */
export interface MessageBody {
  text: string;
  reply_to?: string;
  urgent?: boolean;
  mentions?: string[];
  attachments?: AttachmentName[];
  /** By the key of this device, base64url. */
  signature?: string;
}

/** How a message names what is attached to it. */
export interface AttachmentName {
  hash: string;
  name: string;
}

/** The id under which a change of a message was signed, and the signature. */
export interface EditSignature {
  id: string;
  signature: string;
}

export interface NewRoom {
  id: string;
  name: string;
  topic?: string;
  purpose?: string;
  members: string[];
  offices?: string[];
  kind: RoomKind;
}

export interface RoomPatch {
  name?: string;
  topic?: string;
  purpose?: string;
  pins?: string[];
}
