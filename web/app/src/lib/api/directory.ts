// People and offices, as far as I may see them.
import { get, query } from './http';
import type { Office, Page, User } from './types';

export const directory = {
  users: async (q: string, limit = 30, signal?: AbortSignal) =>
    (await get<Page<User>>(`/users${query({ q: q || undefined, limit })}`, signal)).items,
  offices: async () => (await get<Page<Office>>('/offices')).items,
};
