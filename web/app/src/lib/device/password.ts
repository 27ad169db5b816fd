// What a new password must be, as far as it can be said without the node, which also knows what is easily guessed.

export const PASSWORD_BYTES_MAX = 128;
const CHARS_MIN = 8;
/** Where nothing but the password is asked at a log-in. */
const CHARS_MIN_ALONE = 15;

export type PasswordProblem = 'length' | 'long' | 'same' | null;

/** What is wrong with a new password, or null. Full width counts as half width, as at the node. */
export function passwordProblem(wanted: string, current: string, alone: boolean): PasswordProblem {
  const normal = wanted.normalize('NFKC');
  if ([...normal].length < (alone ? CHARS_MIN_ALONE : CHARS_MIN)) return 'length';
  if (new TextEncoder().encode(normal).length > PASSWORD_BYTES_MAX) return 'long';
  return normal === current.normalize('NFKC') ? 'same' : null;
}
