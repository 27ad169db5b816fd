import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { closeDatabase, database } from '$lib/store/db';
import { wipeAll, wipeOwner } from '$lib/store/wipe';
import { outboxItem } from '../../testing/fixtures';
import { isIdle } from './activity';
import { canonicalCode, codeProblem, groupedCode, readInvitation } from './code';
import { devicePublicKey } from './key';
import { leaseAt, leaseNotice } from './lease';
import { deviceName } from './name';
import { ATTEMPTS, canonicalPasscode, checkLocally, passcodeProblem, rememberPasscode } from './passcode';

const HOUR = 3_600_000;
const NOW = Date.parse('2026-11-22T12:00:00+09:00');

describe('a device code is understood however it is typed', () => {
  test.each([
    ['ABCDE-FGHJK'],
    ['abcde fghjk'],
    ['ＡＢＣＤＥ－ＦＧＨＪＫ'],
    ['abcdeーfghjk'],
    ['  ａｂｃｄｅ‐fghjk　'],
    ['ABCDE_FGHJK'],
  ])('%s', (typed) => {
    expect(canonicalCode(typed)).toBe('ABCDEFGHJK');
    expect(groupedCode(typed)).toBe('ABCDE-FGHJK');
    expect(codeProblem(typed)).toBeNull();
  });

  test('letters that look like digits are those digits', () => {
    expect(canonicalCode('oil0-1l2I3')).toBe('011011213');
  });

  test('what cannot be a code is said before the node is asked', () => {
    expect(codeProblem('ABCDE-FGHJ')).toBe('length');
    expect(codeProblem('ABCDE-FGHJKM')).toBe('length');
    expect(codeProblem('')).toBe('length');
    expect(codeProblem('ABCDU-FGHJK')).toBe('character');
    expect(codeProblem('あいうえおかきくけこ')).toBe('character');
  });
});

describe('the address behind a QR code', () => {
  test.each([
    ['', '#code=abcde-fghjk', 'ABCDE-FGHJK', ''],
    ['', '#?code=ABCDEFGHJK', 'ABCDE-FGHJK', ''],
    ['', '#/?code=ABCDEFGHJK&login=sato', 'ABCDE-FGHJK', 'sato'],
    ['?code=ABCDEFGHJK', '', 'ABCDE-FGHJK', ''],
    ['', '#login=sato%40kita', '', 'sato@kita'],
  ])('%s%s', (search, hash, code, login) => {
    expect(readInvitation(search, hash)).toEqual({ code, login });
  });

  test('an ordinary address says nothing', () => {
    expect(readInvitation('?message=m1', '#content')).toBeNull();
    expect(readInvitation('', '')).toBeNull();
  });
});

test('devices are named by system and browser', () => {
  const chrome = 'Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/130.0 Mobile Safari/537.36';
  expect(deviceName(chrome)).toBe('Android · Chrome');
  expect(deviceName('Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/130.0 Safari/537.36 Edg/130.0')).toBe(
    'Windows · Edge',
  );
  expect(deviceName('Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1')).toBe(
    'iPhone · Safari',
  );
  expect(deviceName('something else')).toBe('');
});

describe('lease', () => {
  test('runs, and is over at its very end', () => {
    expect(leaseAt(null, NOW)).toEqual({ kind: 'none' });
    expect(leaseAt(Number.NaN, NOW)).toEqual({ kind: 'none' });
    expect(leaseAt(NOW + 2.5 * HOUR, NOW)).toEqual({ kind: 'running', hours: 2, minutes: 150 });
    expect(leaseAt(NOW + 1, NOW)).toEqual({ kind: 'running', hours: 0, minutes: 1 });
    expect(leaseAt(NOW, NOW)).toEqual({ kind: 'over' });
  });

  test('is not spoken of while the node is there or has only just gone', () => {
    expect(leaseNotice(NOW + 12 * HOUR, null, NOW)).toBeNull();
    expect(leaseNotice(NOW + 12 * HOUR, NOW - 60_000, NOW)).toBeNull();
    expect(leaseNotice(null, NOW - HOUR, NOW)).toBeNull();
  });

  test('is shown when the node stays away, and at once near the end', () => {
    expect(leaseNotice(NOW + 12 * HOUR, NOW - 5 * 60_000, NOW)).toMatchObject({ hours: 12 });
    expect(leaseNotice(NOW + 2 * HOUR, NOW, NOW)).toMatchObject({ hours: 2, minutes: 120 });
    expect(leaseNotice(NOW + 2 * HOUR + 60_000, NOW, NOW)).toBeNull();
  });
});

test('idle counts from the last use, and never when it is switched off', () => {
  expect(isIdle(15, NOW, NOW - 15 * 60_000)).toBe(true);
  expect(isIdle(15, NOW, NOW - 15 * 60_000 + 1)).toBe(false);
  expect(isIdle(0, NOW, 0)).toBe(false);
});

describe('a new passcode', () => {
  test.each([
    ['482913', null],
    ['４８２９１３', null],
    ['482 913', null],
    ['482913482913', null],
    ['48291', 'length'],
    ['4829134829134', 'length'],
    ['48291a', 'digits'],
    ['000000', 'simple'],
    ['123456', 'simple'],
    ['987654', 'simple'],
    ['890123', 'simple'],
    ['112233', null],
  ] as const)('%s', (typed, problem) => expect(passcodeProblem(typed)).toBe(problem));

  test('is the same however its digits are typed', () => {
    expect(canonicalPasscode('４８２ ９１３')).toBe('482913');
  });
});

describe('on this device', () => {
  beforeEach(() => vi.stubGlobal('isSecureContext', true));
  afterEach(async () => {
    vi.unstubAllGlobals();
    await wipeAll();
    await closeDatabase();
  });

  test('the key is made once and is a raw P-256 point', async () => {
    const key = await devicePublicKey();
    const bytes = Uint8Array.from(atob(key!.replaceAll('-', '+').replaceAll('_', '/')), (c) =>
      c.charCodeAt(0),
    );
    expect(bytes.length).toBe(65);
    expect(bytes[0]).toBe(4);
    expect(await devicePublicKey()).toBe(key);
  });

  test('without an encrypted connection there is no key', async () => {
    vi.stubGlobal('isSecureContext', false);
    expect(await devicePublicKey()).toBeNull();
  });

  test('the passcode is checked and wrong attempts are counted, also over restarts', async () => {
    expect(await checkLocally('482913')).toEqual({ kind: 'unknown' });
    await rememberPasscode('４８２９１３');
    expect(await checkLocally('482914')).toEqual({ kind: 'wrong', left: ATTEMPTS - 1 });
    await closeDatabase();
    expect(await checkLocally('482914')).toEqual({ kind: 'wrong', left: ATTEMPTS - 2 });
    expect(await checkLocally('482913')).toEqual({ kind: 'right' });
    expect(await checkLocally('482914')).toEqual({ kind: 'wrong', left: ATTEMPTS - 1 });
  });

  test('after the last attempt even the right passcode opens nothing', async () => {
    await rememberPasscode('482913');
    const db = await database();
    const record = await db.get('device', 'passcode');
    if (record?.name !== 'passcode') throw new Error('no record');
    await db.put('device', { ...record, wrong: ATTEMPTS });
    expect(await checkLocally('482913')).toEqual({ kind: 'wrong', left: 0 });
  });

  test('a stopped device keeps nothing of anybody', async () => {
    const db = await database();
    await db.put('outbox', outboxItem({ id: 'a', owner: 'u1@n' }));
    await db.put('outbox', outboxItem({ id: 'b', owner: 'u2@n' }));
    await db.put('drafts', { key: 'u1@n/r', text: 'x', saved_at: 1 });
    await devicePublicKey();
    localStorage.setItem('noroshi.active', '1');
    localStorage.setItem('noroshi.settings', '{}');
    await wipeAll();
    for (const store of ['outbox', 'drafts', 'device', 'rooms', 'messages', 'profile'] as const)
      expect(await db.count(store), store).toBe(0);
    expect(localStorage.getItem('noroshi.active')).toBeNull();
    expect(localStorage.getItem('noroshi.settings')).toBe('{}');
  });

  test('one suspended person does not cost colleagues their unsent messages', async () => {
    const db = await database();
    await db.put('outbox', outboxItem({ id: 'a', owner: 'u1@n' }));
    await db.put('outbox', outboxItem({ id: 'b', owner: 'u2@n' }));
    await wipeOwner('u1@n');
    expect((await db.getAll('outbox')).map((item) => item.id)).toEqual(['b']);
  });
});
