// The passcode of this device. The node checks it and counts; while the node is away this browser checks by itself, so that
// a phone at an isolated shelter can still be opened, and counts too.
import { database, type DeviceRecord } from '$lib/store/db';

export const PASSCODE_MIN = 6;
export const PASSCODE_MAX = 12;
export const ATTEMPTS = 10;
const ROUNDS = 310_000;
const SALT_BYTES = 16;

export type PasscodeProblem = 'digits' | 'length' | 'simple' | null;

/** Full-width digits count as digits. */
export const canonicalPasscode = (typed: string): string => typed.normalize('NFKC').replace(/\s/gu, '');

/** What is wrong with a new passcode, or null. */
export function passcodeProblem(typed: string): PasscodeProblem {
  const code = canonicalPasscode(typed);
  if (/[^0-9]/.test(code)) return 'digits';
  if (code.length < PASSCODE_MIN || code.length > PASSCODE_MAX) return 'length';
  return isSimple(code) ? 'simple' : null;
}

/** One digit over and over, or a run like 123456 and 987654. */
function isSimple(code: string): boolean {
  const steps = [...code].slice(1).map((digit, i) => (Number(digit) - Number(code[i]) + 10) % 10);
  return steps.every((one) => one === steps[0]) && [0, 1, 9].includes(steps[0] ?? 0);
}

export type LocalAnswer = { kind: 'right' } | { kind: 'wrong'; left: number } | { kind: 'unknown' };

type Remembered = Extract<DeviceRecord, { name: 'passcode' }>;

/** Keeps a check of the passcode after the node has accepted it. Does nothing where the browser offers no keys. */
export async function rememberPasscode(typed: string): Promise<void> {
  const subtle = globalThis.crypto?.subtle;
  if (!globalThis.isSecureContext || !subtle) return;
  try {
    const salt = crypto.getRandomValues(new Uint8Array(SALT_BYTES));
    // A key that leaves this browser by no script: the record alone is not enough to try passcodes elsewhere.
    const pepper = await subtle.generateKey({ name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
    const verifier = await verifierOf(typed, salt, pepper);
    await (await database()).put('device', { name: 'passcode', pepper, salt, verifier, wrong: 0 });
  } catch {
    // Then only the node can open this device.
  }
}

/** Used only while the node is away; counts wrong attempts before saying so. */
export async function checkLocally(typed: string): Promise<LocalAnswer> {
  try {
    const db = await database();
    const record = await db.get('device', 'passcode');
    if (record?.name !== 'passcode') return { kind: 'unknown' };
    if (record.wrong >= ATTEMPTS) return { kind: 'wrong', left: 0 };
    const same = equal(await verifierOf(typed, record.salt, record.pepper), record.verifier);
    const wrong = same ? 0 : record.wrong + 1;
    await db.put('device', { ...record, wrong } satisfies Remembered);
    return same ? { kind: 'right' } : { kind: 'wrong', left: ATTEMPTS - wrong };
  } catch {
    return { kind: 'unknown' };
  }
}

export async function forgetPasscode(): Promise<void> {
  await database()
    .then((db) => db.delete('device', 'passcode'))
    .catch(() => undefined);
}

async function verifierOf(
  typed: string,
  salt: Uint8Array<ArrayBuffer>,
  pepper: CryptoKey,
): Promise<ArrayBuffer> {
  const { subtle } = crypto;
  const bytes = new TextEncoder().encode(canonicalPasscode(typed));
  const material = await subtle.importKey('raw', bytes, 'PBKDF2', false, ['deriveBits']);
  const slow = await subtle.deriveBits(
    { name: 'PBKDF2', hash: 'SHA-256', salt, iterations: ROUNDS },
    material,
    256,
  );
  return subtle.sign('HMAC', pepper, slow);
}

function equal(a: ArrayBuffer, b: ArrayBuffer): boolean {
  const [left, right] = [new Uint8Array(a), new Uint8Array(b)];
  if (left.length !== right.length) return false;
  let difference = 0;
  for (const [i, byte] of left.entries()) difference |= byte ^ (right[i] ?? 0);
  return difference === 0;
}
