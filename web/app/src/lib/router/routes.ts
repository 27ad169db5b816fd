// The addresses of the app. Pure: text in, route out, so that they can be tested and linked to.

export type Panel = 'members' | 'about' | { receipts: string };

export type Route =
  | { name: 'talk' }
  | { name: 'room'; room: string; panel: Panel | null; message: string | null }
  | { name: 'peers' }
  | { name: 'settings' }
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
  if (head !== 'rooms') return { name: 'unknown' };
  if (room === undefined) return { name: 'talk' };
  const message = new URLSearchParams(search).get('message');
  if (panel === undefined) return { name: 'room', room, panel: null, message };
  if (panel === 'members' || panel === 'about') return { name: 'room', room, panel, message };
  if (panel === 'receipts' && id) return { name: 'room', room, panel: { receipts: id }, message };
  return { name: 'unknown' };
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
};
