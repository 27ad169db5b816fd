// The key of this device: ECDSA P-256, made by the browser, its private half given to no script. Only over an encrypted
// connection; elsewhere the device is enrolled without a key and does not sign.
import { database } from '$lib/store/db';
import { base64url } from '$lib/text/base64url';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' } as const;

/** The raw public key (65 bytes, uncompressed point) as base64url, or null where the browser offers no keys. */
export async function devicePublicKey(): Promise<string | null> {
  const subtle = globalThis.crypto?.subtle;
  if (!globalThis.isSecureContext || !subtle) return null;
  try {
    const db = await database();
    const known = await db.get('device', 'key');
    const pair =
      known?.name === 'key' ? known.pair : await subtle.generateKey(ALGORITHM, false, ['sign', 'verify']);
    if (!known) await db.put('device', { name: 'key', pair });
    return base64url(new Uint8Array(await subtle.exportKey('raw', pair.publicKey)));
  } catch {
    // No database (private window) or a browser that cannot store keys: enrolment goes on without one.
    return null;
  }
}
