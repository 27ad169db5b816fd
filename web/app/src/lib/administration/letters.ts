// Sign-in letters in the order in which they are handed out: office, section, reading of the name.
import { nameOf } from '$lib/api';
import type { Letter } from '$lib/api/administration-types';

const collator = new Intl.Collator('ja');

/** People without a section come last in their office, those without a reading sort by their name. */
export function inHandOutOrder(letters: readonly Letter[]): Letter[] {
  return [...letters].sort(
    (a, b) =>
      collator.compare(nameOf(a.office), nameOf(b.office)) ||
      Number(!a.section) - Number(!b.section) ||
      collator.compare(a.section ?? '', b.section ?? '') ||
      collator.compare(a.kana || a.name, b.kana || b.name) ||
      (a.login < b.login ? -1 : 1),
  );
}

/** The address a letter leads to: the log-in page with the name filled in. The password is on the paper alone. */
export const letterAddress = (base: string, login: string): string =>
  `${base.replace(/\/+$/, '')}/#login=${encodeURIComponent(login)}`;

/** The address behind the QR code of a device code. */
export const codeAddress = (base: string, code: string): string =>
  `${base.replace(/\/+$/, '')}/#code=${encodeURIComponent(code)}`;

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/** An address that means another machine to everybody else. */
export function isLoopback(address: string): boolean {
  try {
    return LOOPBACK.test(new URL(address).hostname);
  } catch {
    return false;
  }
}

/** An address people can type and a phone can open; null when it is none. */
export function normalAddress(typed: string): string | null {
  const text = typed.normalize('NFKC').trim();
  try {
    const url = new URL(/^https?:\/\//i.test(text) ? text : `https://${text}`);
    return url.hostname === '' ? null : url.origin;
  } catch {
    return null;
  }
}
