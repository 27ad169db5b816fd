// The calls of the administration pages; apart from the others so that phones do not load them.
import { del, get, patch, post, put, query, request, seg } from './http';
import type {
  AdministratorKey,
  ConsoleState,
  DeviceCode,
  Encoding,
  EnrolledNode,
  InitialPassword,
  InvitationBody,
  NodeInvitation,
  OfficeBody,
  Person,
  PersonBody,
  PersonFilter,
  Policy,
  Post,
  PostBody,
  RequestedKey,
  StaffImport,
  Usage,
} from './administration-types';
import type { Named, Office, Page, RoleName, Rules } from './types';

/** Nine hundred passwords take their time. */
const LONG = { timeoutMs: 180_000 };

export const people = {
  page: (filter: PersonFilter, signal?: AbortSignal) =>
    get<Page<Person>>(`/people${query({ ...filter })}`, signal),
  get: (user: string) => get<Person>(`/people/${seg(user)}`),
  add: (body: PersonBody) => post<Person & InitialPassword>('/people', body),
  change: (user: string, body: PersonBody) => patch<Person>(`/people/${seg(user)}`, body),
  resetPassword: (user: string) => post<InitialPassword>(`/people/${seg(user)}/password`),
  grant: (user: string, role: RoleName) => put<void>(`/people/${seg(user)}/roles/${seg(role)}`),
  remove: (user: string, role: RoleName) => del(`/people/${seg(user)}/roles/${seg(role)}`),
  suspend: (user: string, reason: string) => post<Person>(`/people/${seg(user)}/suspension`, { reason }),
  lift: (user: string) => del(`/people/${seg(user)}/suspension`),
};

export const imports = {
  list: () => get<Page<StaffImport>>('/imports'),
  get: (id: string) => get<StaffImport>(`/imports/${seg(id)}`),
  read: (file: Blob, encoding: Encoding) => post<StaffImport>(`/imports${query({ encoding })}`, file, LONG),
  apply: (id: string) => post<StaffImport>(`/imports/${seg(id)}/apply`, undefined, LONG),
  undo: (id: string) => post<StaffImport>(`/imports/${seg(id)}/undo`, undefined, LONG),
};

export const codes = {
  decline: (id: string) => post<void>(`/device-requests/${seg(id)}/decline`),
  issue: (user: string, from?: string) =>
    post<DeviceCode>('/device-codes', { user, ...(from ? { request: from } : {}) }),
};

export const posts = {
  list: () => all<Post>('/posts'),
  add: (body: PostBody) => post<Post>('/posts', body),
  change: (id: string, body: PostBody) => put<Post>(`/posts/${seg(id)}`, body),
  remove: (id: string) => del(`/posts/${seg(id)}`),
};

export const offices = {
  list: () => all<Office>('/offices'),
  add: (body: OfficeBody) => post<Office>('/offices', body),
  change: (id: string, body: OfficeBody) => patch<Office>(`/offices/${seg(id)}`, body),
  /** The other offices at which the people of this one may log in. */
  roaming: (id: string) => get<Page<Named>>(`/offices/${seg(id)}/roaming`),
  setRoaming: (id: string, offices: string[]) => put<Page<Named>>(`/offices/${seg(id)}/roaming`, { offices }),
};

export const nodes = {
  list: () => all<EnrolledNode>('/nodes'),
  revoke: (node: string, reason: string) => post<unknown>(`/nodes/${seg(node)}/revocation`, { reason }),
};

export const invitations = {
  list: () => all<NodeInvitation>('/invitations'),
  add: (body: InvitationBody) => post<NodeInvitation>('/invitations', body),
  cancel: (id: string) => del(`/invitations/${seg(id)}`),
};

export const policy = {
  get: () => get<Policy>('/policy'),
  set: (body: Policy) => put<Policy | undefined>('/policy', body),
  setRules: (text: string) => put<Rules | undefined>('/rules', { text }),
};

export const usage = {
  get: (month: string) => get<Usage>(`/usage${query({ month })}`),
};

export const consoleKey = {
  get: () => get<ConsoleState>('/console'),
  unlock: async (password: string) => (await request<ConsoleState>('POST', '/console', { password })).body,
  lock: () => del('/console'),
};

export const keys = {
  list: () => all<AdministratorKey>('/administrator-keys'),
  make: (password: string) => post<RequestedKey>('/administrator-keys', { password }),
  approve: (id: string, fingerprint: string) =>
    post<AdministratorKey>(`/administrator-keys/${seg(id)}/approval`, { fingerprint }),
  end: (id: string) => del(`/administrator-keys/${seg(id)}`),
  restore: (sheet: string, password: string) =>
    post<ConsoleState>('/administrator-keys/restoration', { sheet, password }),
};

/** Every page of a list that people look at as a whole. */
async function all<T>(path: string): Promise<T[]> {
  const found: T[] = [];
  let cursor: string | undefined;
  do {
    const page: Page<T> = await get<Page<T>>(path + query({ cursor }));
    found.push(...page.items);
    cursor = page.next ?? undefined;
  } while (cursor);
  return found;
}
