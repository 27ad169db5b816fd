// The key of this device: ECDSA P-256, made by the browser, its private half given to no script. Only over an encrypted
// connection; elsewhere the device is enrolled without a key and does not sign.
import { database } from '$lib/store/db';
import { base64url } from '$lib/text/base64url';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const KEY_ID_BYTES = 8;

/** The keys of this device, or null where there are none: plain HTTP, a private window, or everything was wiped. */
export async function deviceKeys(): Promise<CryptoKeyPair | null> {
  if (!globalThis.isSecureContext || !globalThis.crypto?.subtle) return null;
  try {
    const known = await (await database()).get('device', 'key');
    return known?.name === 'key' ? known.pair : null;
  } catch {
    return null;
  }
}

/** For enrolment: the raw public key (65 bytes, uncompressed point) as base64url, or null where the browser offers no keys. */
export async function devicePublicKey(): Promise<string | null> {
  const subtle = globalThis.crypto?.subtle;
  if (!globalThis.isSecureContext || !subtle) return null;
  try {
    let pair = await deviceKeys();
    if (!pair) {
      pair = await subtle.generateKey(ALGORITHM, false, ['sign', 'verify']);
      await (await database()).put('device', { name: 'key', pair });
    }
    return base64url(await raw(pair));
  } catch {
    // No database (private window) or a browser that cannot store keys: enrolment goes on without one.
    return null;
  }
}

/** The name by which the node knows a key: the first bytes of the SHA-256 of its public half, in hexadecimal. */
export async function keyId(pair: CryptoKeyPair): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', await raw(pair)));
  return Array.from(hash.slice(0, KEY_ID_BYTES), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

const raw = async (pair: CryptoKeyPair) =>
  new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey));
