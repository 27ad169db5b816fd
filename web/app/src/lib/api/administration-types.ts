// Wire types of the administration calls. Times are RFC 3339 text.
import type { Named, Office, PeerState, RoleName, Suspension, Time, User } from './types';

export type Employment = 'regular' | 'fixed_term' | 'section_account';
/** A key with which an administrator signs, or wants to. */
export interface AdministratorKey {
  id: string;
  user: Named;
  /** What two people compare by voice. */
  fingerprint: string;
  state: 'active' | 'requested';
  at: Time;
}

export interface RequestedKey extends AdministratorKey {
  /** The recovery sheet as text; told this once. */
  recovery: string;
}

export type PersonState = 'active' | 'suspended' | 'ended';

export interface Planned {
  effective: Time;
  office: Named;
  section: string | null;
  post: string | null;
}

export interface Person extends User {
  number: string | null;
  email: string | null;
  phone: string | null;
  section_code: string | null;
  muster_class: string | null;
  muster_place: string | null;
  qualifications: string | null;
  employment: Employment;
  valid_from: Time | null;
  valid_until: Time | null;
  suspended: Suspension | null;
  /** Suspensions of an administrator that wait for a second administrator. */
  suspension_awaits?: number;
  devices: number;
  planned: Planned[];
}

export interface PersonFilter {
  q?: string | undefined;
  office?: string | undefined;
  state?: PersonState | undefined;
  cursor?: string | undefined;
}

/** What can be set of a person. `office` is an id. */
export interface PersonBody {
  login?: string;
  name?: string;
  kana?: string;
  office?: string;
  section?: string;
  post?: string;
  number?: string;
  email?: string;
  phone?: string;
  section_code?: string;
  muster_class?: string;
  muster_place?: string;
  qualifications?: string;
  employment?: Employment;
  /** Empty: the limit is taken away. */
  valid_from?: string;
  valid_until?: string;
  roles?: RoleName[];
}

/** An initial password is told once, in the answer to the call that made it. */
export interface InitialPassword {
  initial_password: string;
}

export interface ImportProblem {
  /** Line of the file, counted from 1 with the heading; null when it concerns the whole file. */
  row: number | null;
  column: string | null;
  code: string;
  message: string;
}

export interface ImportDiff {
  add: { row: number; person: Partial<Omit<Person, 'office'>> & { office?: Named | string | null } }[];
  change: {
    row: number;
    user: Named;
    fields: { field: string; from: string | null; to: string | null }[];
    effective: Time | null;
  }[];
  end: { row: number; user: Named; valid_until: Time | null }[];
  /** People in the file who stay as they are. */
  same: number;
  /** People here who are not in the file; nothing happens to them. */
  absent: number;
}

export type ImportState = 'draft' | 'applied' | 'undone';
export type Encoding = 'auto' | 'utf-8' | 'cp932';

export interface StaffImport {
  id: string;
  created_at: Time;
  by: Named;
  state: ImportState;
  file: { rows: number; encoding: string; columns: string[]; preview: (string | null)[][] };
  problems: ImportProblem[];
  diff: ImportDiff;
  letters?: Letter[];
}

export interface Letter {
  user: string;
  login: string;
  name: string;
  kana: string;
  office: Named | string;
  section: string | null;
  initial_password: string;
}

export interface DeviceCode {
  code: string;
  expires_at: Time;
  qr_svg: string;
}

export interface Post extends Named {
  kana: string;
  kind: 'post' | 'team';
  office: Named;
  holders: Named[];
  /** In the order in which they stand in. */
  deputies: Named[];
}

export interface PostBody {
  name: string;
  kana: string;
  kind: Post['kind'];
  office: string;
  holders: string[];
  deputies: string[];
}

export type OfficeKind = Office['kind'];

export interface OfficeBody {
  name?: string;
  kana?: string;
  kind?: OfficeKind;
  hub?: boolean;
}

export interface EnrolledNode {
  id: string;
  short: string;
  name: string;
  office: Named;
  enrolled_at: Time | null;
  addresses: string[];
  certificate_until?: Time | null;
  revoked: Suspension | null;
  state: PeerState | 'self' | null;
}

export interface InvitationBody {
  /** Id of an office. */
  office: string;
  /** The name of the office when left out. */
  node_name?: string;
  hours?: number;
  addresses?: string[];
}

export interface NodeInvitation {
  id: string;
  office: Named | string;
  node_name?: string;
  expires_at: Time;
  used?: boolean;
  cancelled?: boolean;
  /** Only in the answer to the call that made it. */
  code?: string;
}

export interface Policy {
  require_devices: boolean;
  require_passcode: boolean;
  idle_lock_minutes: number;
  lease_hours: number;
  lease_isolated_hours: number;
}

export interface UsageSection {
  office: Named | string;
  section: string | null;
  accounts: number;
  active: number;
  posts: number;
}

export interface Usage {
  month: string;
  accounts: number;
  active: number;
  posts: number;
  /** Rooms this node holds. */
  rooms?: number;
  sections: UsageSection[];
}

export interface ConsoleState {
  key_here: boolean;
  unlocked_until: Time | null;
}
