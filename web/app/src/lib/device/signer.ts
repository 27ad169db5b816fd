// Signs what the person says with the key of this device. Nothing here ever keeps a message from being sent: where there
// is no key, or it does not answer, the message goes out unsigned and says so.
import type { MessageBody, ThisDevice } from '$lib/api/types';
import { base64url } from '$lib/text/base64url';
import { deviceKeys, keyId } from './key';
import { EDIT, editContent, MESSAGE, messageContent, statement } from './statement';

/**
 * `ready`: the key is here. `none`: this device was enrolled without one, or not at all. `lost`: it was enrolled with a key
 * that this browser no longer has.
 */
export type Signing = 'ready' | 'none' | 'lost';

const ALGORITHM = { name: 'ECDSA', hash: 'SHA-256' } as const;
/** Longer than any browser takes; a message does not wait for a signature. */
const SIGN_WITHIN_MS = 1000;

export async function signingOf(device: ThisDevice | undefined): Promise<Signing> {
  if (!device?.enrolled || !device.signs) return 'none';
  const pair = await deviceKeys();
  return pair && (await keyId(pair).catch(() => null)) === device.key_id ? 'ready' : 'lost';
}

export interface Author {
  room: string;
  id: string;
  author: string;
}

/** The signature as the node takes it, or null. */
export const signMessage = (who: Author, body: MessageBody): Promise<string | null> =>
  sign(who, MESSAGE, () => messageContent(body));

export const signEdit = (who: Author, target: string, text: string): Promise<string | null> =>
  sign(who, EDIT, () => editContent(target, text));

async function sign(
  { room, id, author }: Author,
  kind: number,
  content: () => Uint8Array,
): Promise<string | null> {
  const late = new Promise<null>((resolve) => setTimeout(() => resolve(null), SIGN_WITHIN_MS));
  const signing = async () => {
    const pair = await deviceKeys();
    if (!pair) return null;
    const bytes = statement(room, id, kind, author, content());
    return base64url(new Uint8Array(await crypto.subtle.sign(ALGORITHM, pair.privateKey, bytes)));
  };
  return Promise.race([signing().catch(() => null), late]);
}
