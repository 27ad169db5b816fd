import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ThisDevice } from '$lib/api/types';
import { closeDatabase } from '$lib/store/db';
import { wipeAll } from '$lib/store/wipe';
import { deviceKeys, devicePublicKey, keyId } from './key';
import { signEdit, signingOf, signMessage } from './signer';
import { EDIT, editContent, MESSAGE, messageContent, statement, trimmed } from './statement';

const id = (byte: number) => {
  const hex = byte.toString(16).padStart(2, '0').repeat(16);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
};
const hex = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
const bytes = (text: string) => Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
const fromBase64url = (text: string) =>
  Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));

const ALGORITHM = { name: 'ECDSA', hash: 'SHA-256' };

/** The lines of docs/protocol.md, which the node is tested against too. */
function vectors(): Map<string, string> {
  const page = readFileSync(resolve(import.meta.dirname, '../../../../../docs/protocol.md'), 'utf8');
  const block = page.split('```device-vectors\n')[1]!.split('```')[0]!;
  return new Map(
    block
      .trim()
      .split('\n')
      .map((line) => line.split(/ {2,}/) as [string, string]),
  );
}

const BODY = {
  text: '北支所、停電です',
  reply_to: id(6),
  mentions: [id(7), id(8)],
  urgent: true,
};

describe('what is signed is what the node writes down', () => {
  const known = vectors();

  test('message and edit, byte for byte', () => {
    const message = messageContent(BODY);
    expect(hex(message)).toBe(known.get('message content'));
    expect(hex(statement(id(1), id(2), MESSAGE, id(3), message))).toBe(known.get('message device statement'));
    const edit = editContent(id(2), '北支所、復電しました');
    expect(hex(edit)).toBe(known.get('edit content'));
    expect(hex(statement(id(1), id(9), EDIT, id(3), edit))).toBe(known.get('edit device statement'));
  });

  test('of files the hash and the name, byte for byte', () => {
    const attachments = [
      { hash: '04'.repeat(32), name: '堤防.jpg' },
      { hash: '05'.repeat(32), name: '図面.pdf' },
    ];
    const files = messageContent({ text: '写真です', attachments });
    expect(hex(files)).toBe(known.get('files content'));
    expect(hex(statement(id(1), id(10), MESSAGE, id(3), files))).toBe(known.get('files device statement'));
    expect(hex(messageContent({ text: 'x', attachments: [] }))).toBe(hex(messageContent({ text: 'x' })));
    expect(() => messageContent({ text: '', attachments: [{ hash: '04', name: 'a' }] })).toThrow();
  });

  test('a browser takes the signatures of the vectors, and names the key alike', async () => {
    const raw = bytes(known.get('device key')!);
    const curve = { name: 'ECDSA', namedCurve: 'P-256' };
    const key = await crypto.subtle.importKey('raw', raw, curve, true, ['verify']);
    for (const kind of ['message', 'edit']) {
      const signature = bytes(known.get(`${kind} device signature`)!);
      const said = bytes(known.get(`${kind} device statement`)!);
      expect(await crypto.subtle.verify(ALGORITHM, key, signature, said), kind).toBe(true);
    }
    expect(await keyId({ publicKey: key } as CryptoKeyPair)).toBe(known.get('device key id'));
  });

  test('text is trimmed as the node trims, and people are named once', () => {
    expect(trimmed('\u3000 \u0085\t北\u00a0支所\n ')).toBe('北\u00a0支所');
    // Removed by String.trim, but no white space of Unicode.
    expect(trimmed('\ufeffx')).toBe('\ufeffx');
    const once = messageContent({ text: 'x', mentions: [id(7), id(7).toUpperCase()] });
    expect(hex(once)).toBe(hex(messageContent({ text: ' x ', mentions: [id(7)] })));
  });

  test('long texts have lengths of several bytes', () => {
    expect(hex(messageContent({ text: 'a'.repeat(127) })).slice(0, 6)).toBe('017f61');
    expect(hex(messageContent({ text: 'a'.repeat(128) })).slice(0, 8)).toBe('01800161');
    expect(messageContent({ text: '𠮷'.repeat(10_000) }).length).toBe(1 + 3 + 40_000 + 3);
  });

  test('what is no id is not signed', () => {
    expect(() => messageContent({ text: 'x', reply_to: 'm-1' })).toThrow();
    expect(() => statement('r-1', id(2), MESSAGE, id(3), new Uint8Array())).toThrow();
  });
});

describe('this device', () => {
  const who = { room: id(1), id: id(2), author: id(3) };
  const device = (over: Partial<ThisDevice> = {}): ThisDevice => ({
    id: id(4),
    enrolled: true,
    signs: true,
    key_id: null,
    ...over,
  });

  beforeEach(() => vi.stubGlobal('isSecureContext', true));
  afterEach(async () => {
    vi.unstubAllGlobals();
    vi.restoreAllMocks();
    await wipeAll();
    await closeDatabase();
  });

  test('signs with the key that was enrolled', async () => {
    await devicePublicKey();
    const pair = (await deviceKeys())!;
    expect(await signingOf(device({ key_id: await keyId(pair) }))).toBe('ready');
    const signature = fromBase64url((await signMessage(who, BODY))!);
    expect(signature.length).toBe(64);
    const said = statement(who.room, who.id, MESSAGE, who.author, messageContent(BODY));
    expect(await crypto.subtle.verify(ALGORITHM, pair.publicKey, signature, said)).toBe(true);
    const edit = fromBase64url((await signEdit(who, id(2), '訂正'))!);
    const edited = statement(who.room, who.id, EDIT, who.author, editContent(id(2), '訂正'));
    expect(await crypto.subtle.verify(ALGORITHM, pair.publicKey, edit, edited)).toBe(true);
  });

  test('without a key of its own it says so and signs nothing', async () => {
    expect(await signingOf(undefined)).toBe('none');
    expect(await signingOf(device({ enrolled: false }))).toBe('none');
    expect(await signingOf(device({ signs: false }))).toBe('none');
    expect(await signMessage(who, BODY)).toBeNull();
  });

  test('a key that was wiped, or another one, is noticed', async () => {
    await devicePublicKey();
    const key_id = await keyId((await deviceKeys())!);
    await wipeAll();
    expect(await signingOf(device({ key_id }))).toBe('lost');
    await devicePublicKey();
    expect(await signingOf(device({ key_id }))).toBe('lost');
  });

  test('plain HTTP, a broken key and a browser that does not answer keep no message back', async () => {
    await devicePublicKey();
    expect(await signMessage({ ...who, room: 'r-1' }, BODY)).toBeNull();
    vi.spyOn(crypto.subtle, 'sign').mockRejectedValueOnce(new DOMException('gone'));
    expect(await signMessage(who, BODY)).toBeNull();
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    vi.spyOn(crypto.subtle, 'sign').mockReturnValueOnce(new Promise(() => undefined));
    const waiting = signMessage(who, BODY);
    await vi.advanceTimersByTimeAsync(1000);
    expect(await waiting).toBeNull();
    vi.useRealTimers();
    vi.stubGlobal('isSecureContext', false);
    expect(await signMessage(who, BODY)).toBeNull();
  });
});
