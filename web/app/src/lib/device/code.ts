// Codes that people read from a screen or paper and type: base32 without I, L, O and U, forgiving in what is typed. The
// node reads them the same way; doing it here too tells early what cannot be right, and shows what was understood.

export const CODE_LENGTH = 10;
const GROUP = 5;
const VALID = /^[0-9A-HJKMNP-TV-Z]+$/;
/** Hyphens, dashes, minus signs, and the long-vowel mark that Japanese keyboards give in their place. */
const BETWEEN = /[\s\-_\u00ad\u2010-\u2015\u2212\u30fc]/gu;

/** Full width and lower case folded, I and L read as 1, O as 0, hyphens and spaces left out. */
export const canonicalCode = (typed: string): string =>
  typed.normalize('NFKC').replace(BETWEEN, '').toUpperCase().replace(/[IL]/g, '1').replaceAll('O', '0');

export type CodeProblem = 'length' | 'character' | null;

/** What is wrong with a typed device code, or null. */
export function codeProblem(typed: string): CodeProblem {
  const code = canonicalCode(typed);
  if (code !== '' && !VALID.test(code)) return 'character';
  return code.length === CODE_LENGTH ? null : 'length';
}

/** `ABCDE-FGHJK` */
export function groupedCode(typed: string): string {
  const code = canonicalCode(typed);
  return code.match(new RegExp(`.{1,${GROUP}}`, 'g'))?.join('-') ?? '';
}

export interface Invitation {
  code: string;
  login: string;
}

/**
 * What the address behind a QR code says: `#code=…` or `?code=…`, and `login=…` from a sign-in letter. The fragment is the
 * usual place, since it never travels to the node and its logs.
 */
export function readInvitation(search: string, hash: string): Invitation | null {
  const fragment = new URLSearchParams(hash.replace(/^#[/?]*/, ''));
  const query = new URLSearchParams(search);
  const code = fragment.get('code') ?? query.get('code') ?? '';
  const login = fragment.get('login') ?? query.get('login') ?? '';
  return code || login ? { code: groupedCode(code), login: login.trim() } : null;
}
