// The addresses of the app. Pure: text in, route out, so that they can be tested and linked to.

export type Panel = 'members' | 'about' | { receipts: string };

/** Pages of the administration, in the order of the menu. */
export const ADMINISTRATION_PAGES = [
  'people',
  'imports',
  'devices',
  'codes',
  'suspensions',
  'offices',
  'keys',
  'posts',
  'audit',
  'usage',
  'rules',
  'policy',
] as const;
export type AdministrationPage = (typeof ADMINISTRATION_PAGES)[number];

export type PersonalPage = 'devices' | 'request' | 'rules' | 'passcode' | 'password';
const PERSONAL_PAGES: readonly PersonalPage[] = ['devices', 'request', 'rules', 'passcode', 'password'];

export type Route =
  | { name: 'talk' }
  | { name: 'room'; room: string; panel: Panel | null; message: string | null }
  | { name: 'peers' }
  | { name: 'settings' }
  | { name: 'personal'; page: PersonalPage }
  /** Without a page: the menu of the administration. */
  | { name: 'administration'; page: AdministrationPage | null; id: string | null }
  | { name: 'help' }
  | { name: 'unknown' };

const decode = (part: string): string => {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
};

export function parse(pathname: string, search = ''): Route {
  const parts = pathname.split('/').filter(Boolean).map(decode);
  const [head, room, panel, id] = parts;
  if (head === undefined) return { name: 'talk' };
  if (parts.length === 1 && (head === 'peers' || head === 'settings' || head === 'help'))
    return { name: head };
  if (head === 'settings') return personal(parts);
  if (head === 'administration') return administration(parts);
  if (head !== 'rooms') return { name: 'unknown' };
  if (room === undefined) return { name: 'talk' };
  const message = new URLSearchParams(search).get('message');
  if (panel === undefined) return { name: 'room', room, panel: null, message };
  if (panel === 'members' || panel === 'about') return { name: 'room', room, panel, message };
  if (panel === 'receipts' && id) return { name: 'room', room, panel: { receipts: id }, message };
  return { name: 'unknown' };
}

function personal(parts: string[]): Route {
  const page = PERSONAL_PAGES.find((one) => one === parts[1]);
  return page && parts.length === 2 ? { name: 'personal', page } : { name: 'unknown' };
}

function administration(parts: string[]): Route {
  const [, wanted, id, more] = parts;
  if (wanted === undefined) return { name: 'administration', page: null, id: null };
  const page = ADMINISTRATION_PAGES.find((one) => one === wanted);
  if (!page || more !== undefined) return { name: 'unknown' };
  return { name: 'administration', page, id: id ?? null };
}

const seg = encodeURIComponent;

export const path = {
  talk: () => '/',
  room: (room: string, message?: string) => `/rooms/${seg(room)}${message ? `?message=${seg(message)}` : ''}`,
  members: (room: string) => `/rooms/${seg(room)}/members`,
  about: (room: string) => `/rooms/${seg(room)}/about`,
  receipts: (room: string, message: string) => `/rooms/${seg(room)}/receipts/${seg(message)}`,
  peers: () => '/peers',
  settings: () => '/settings',
  help: () => '/help',
  personal: (page: PersonalPage) => `/settings/${page}`,
  administration: (page?: AdministrationPage, id?: string) =>
    ['/administration', page, id && seg(id)].filter(Boolean).join('/'),
};
