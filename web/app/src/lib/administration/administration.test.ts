import { describe, expect, test } from 'vitest';
import type { AuditEntry, ImportDiff, Letter, Usage } from '$lib/api/administration-types';
import { sameTyped } from './act.svelte';
import { auditDetails, auditSentence, AUDIT_KINDS } from './audit';
import { csv } from './csv';
import { afterDay, dayOf, endOfDay, startOfDay } from './dates';
import { diffCounts, diffRows, touched } from './import-rows';
import { inHandOutOrder, isLoopback, letterAddress, normalAddress } from './letters';
import { numberOf } from './numbers';
import { moved } from './order';
import { Paged } from './paged.svelte';
import { changes, EMPTY, problems } from './person-form';
import { bars, monthsBack, percent, rateOf, usageCsv, usageRows } from './usage';

const DIFF: ImportDiff = {
  add: [
    {
      row: 9,
      person: {
        name: '新田 誠',
        kana: 'にった まこと',
        office: { id: 'o', name: '北支所' },
        section: '総務課',
      },
    },
    { row: 2, person: { name: '佐藤 花子', number: '1001', office: '本庁' } },
  ],
  change: [
    {
      row: 4,
      user: { id: 'u1', name: '田中 美咲' },
      fields: [
        { field: 'section', from: '総務課', to: '福祉課' },
        { field: 'post', from: null, to: '係長' },
      ],
      effective: '2027-04-01T00:00:00+09:00',
    },
  ],
  end: [{ row: 7, user: { id: 'u2', name: '山本 健' }, valid_until: '2027-03-31T23:59:59+09:00' }],
  same: 476,
  absent: 3,
};

describe('what a staff list would change', () => {
  test('stands in the order of the file', () => {
    expect(diffRows(DIFF).map(({ row, kind, name }) => [row, kind, name])).toEqual([
      [2, 'add', '佐藤 花子'],
      [4, 'change', '田中 美咲'],
      [7, 'end', '山本 健'],
      [9, 'add', '新田 誠'],
    ]);
  });

  test('shows of new people what is there, of others what was and what will be', () => {
    const [first, change, end] = diffRows(DIFF);
    expect(first?.fields).toEqual([
      { field: 'number', from: '', to: '1001' },
      { field: 'office', from: '', to: '本庁' },
    ]);
    expect(change?.fields).toEqual([
      { field: 'section', from: '総務課', to: '福祉課' },
      { field: 'post', from: '', to: '係長' },
    ]);
    expect(change?.effective).toBe('2027-04-01T00:00:00+09:00');
    expect(end).toMatchObject({ fields: [], effective: '2027-03-31T23:59:59+09:00' });
  });

  test('counts people once, and leaves those alone who are not in the list', () => {
    expect(diffCounts(DIFF)).toEqual({ add: 2, change: 1, end: 1, same: 476, absent: 3 });
    expect(touched(DIFF)).toBe(4);
  });
});

describe('sign-in letters', () => {
  const letter = (login: string, office: string, section: string | null, kana: string): Letter => ({
    user: login,
    login,
    name: login,
    kana,
    office,
    section,
    initial_password: 'x',
  });

  test('come by office, section and reading, people without a section last', () => {
    const mixed = [
      letter('d', 'ほくぶ', null, 'あ'),
      letter('c', 'ほくぶ', 'けんせつ', 'さとう'),
      letter('b', 'ほくぶ', 'けんせつ', 'あおき'),
      letter('a', 'ちゅうおう', 'そうむ', 'わだ'),
    ];
    expect(inHandOutOrder(mixed).map((one) => one.login)).toEqual(['a', 'b', 'c', 'd']);
    expect(mixed[0]?.login).toBe('d');
  });

  test('carry the log-in name in the fragment and never the password', () => {
    expect(letterAddress('https://n.example/', 'a+b@c')).toBe('https://n.example/#login=a%2Bb%40c');
  });

  test('an address that only this machine can open is noticed', () => {
    expect(['http://localhost:8470', 'http://127.0.0.1', 'https://[::1]:8443'].every(isLoopback)).toBe(true);
    expect(['https://noroshi.city.example', 'http://192.168.1.5:8470', 'nonsense'].some(isLoopback)).toBe(
      false,
    );
  });

  test('typed addresses become addresses', () => {
    expect(normalAddress('ｎoroshi.city.example')).toBe('https://noroshi.city.example');
    expect(normalAddress('http://192.168.1.5:8470/rooms')).toBe('http://192.168.1.5:8470');
    expect(normalAddress('')).toBeNull();
    expect(normalAddress('http://')).toBeNull();
  });
});

describe('use', () => {
  const usage: Usage = {
    month: '2026-11',
    accounts: 40,
    active: 35,
    posts: 1234,
    sections: [
      { office: { id: 'o', name: '本庁' }, section: '総務課', accounts: 30, active: 26, posts: 1000 },
      { office: '北支所', section: null, accounts: 0, active: 0, posts: 234 },
    ],
  };

  test('the file has a mark for spreadsheets, CRLF, every cell quoted, and the total last', () => {
    expect(usageCsv(usage, ['拠点', '所属', 'アカウント', '使った人', '利用率 (%)', '投稿'], '合計')).toBe(
      '\ufeff"拠点","所属","アカウント","使った人","利用率 (%)","投稿"\r\n' +
        '"本庁","総務課","30","26","86.7","1000"\r\n' +
        '"北支所","","0","0","","234"\r\n' +
        '"合計","","40","35","87.5","1234"\r\n',
    );
  });

  test('a cell that a spreadsheet would compute is text, and quotes stay one cell', () => {
    expect(csv([['=1+1', '-2', '@x', 'a"b', 'c,d', -5]])).toBe(
      '\ufeff"\'=1+1","\'-2","\'@x","a""b","c,d","-5"\r\n',
    );
  });

  test('bars are as long as their part of the longest, also when all are nought', () => {
    const rows = usageRows(usage);
    expect(bars(rows, 'posts').map(({ label, length }) => [label, length])).toEqual([
      ['本庁 総務課', 1],
      ['北支所', 0.234],
    ]);
    expect(bars(usageRows({ ...usage, sections: [] }), 'posts')).toEqual([]);
    expect(bars(rows.slice(1), 'active')[0]?.length).toBe(0);
  });

  test('a rate of nobody is no rate', () => {
    expect(percent(rateOf(0, 0))).toBe('');
    expect(percent(rateOf(1, 3))).toBe('33.3');
  });

  test('months go back over the turn of the year', () => {
    expect(monthsBack('2027-02', 4)).toEqual(['2027-02', '2027-01', '2026-12', '2026-11']);
    expect(monthsBack('nonsense', 4)).toEqual([]);
  });
});

test('the order of deputies moves one place at a time and stops at the ends', () => {
  expect(moved(['a', 'b', 'c'], 2, -1)).toEqual(['a', 'c', 'b']);
  expect(moved(['a', 'b', 'c'], 0, 1)).toEqual(['b', 'a', 'c']);
  expect(moved(['a', 'b', 'c'], 0, -1)).toEqual(['a', 'b', 'c']);
  expect(moved(['a', 'b', 'c'], 2, 1)).toEqual(['a', 'b', 'c']);
  expect(moved(['a'], 5, 1)).toEqual(['a']);
});

test('a typed confirmation forgives width, spaces and commas, nothing else', () => {
  expect(sameTyped('１，２６０', '1260')).toBe(true);
  expect(sameTyped(' EF34AB ', 'ef34ab')).toBe(true);
  expect(sameTyped('126', '1260')).toBe(false);
  expect(sameTyped('', '1260')).toBe(false);
});

test('numbers are taken in either width and only within their limits', () => {
  expect(numberOf('１５', 1, 240)).toBe(15);
  expect(numberOf('0', 1, 240)).toBeNull();
  expect(numberOf('241', 1, 240)).toBeNull();
  expect(numberOf('1.5', 1, 240)).toBeNull();
  expect(numberOf('', 1, 240)).toBeNull();
});

describe('a person as fields', () => {
  const before = {
    ...EMPTY,
    login: 'sato',
    name: '佐藤 花子',
    kana: 'さとう はなこ',
    office: 'o1',
    section: '総務課',
  };

  test('sends what was changed and nothing else', () => {
    expect(changes(before, { ...before, name: ' 佐藤 花子 ' })).toEqual({});
    expect(changes(before, { ...before, section: '', post: '係長' })).toEqual({ section: '', post: '係長' });
  });

  test('days are days in Japan', () => {
    expect(changes(before, { ...before, valid_from: '2027-04-01', valid_until: '2028-03-31' })).toEqual({
      valid_from: '2027-04-01T00:00:00+09:00',
      valid_until: '2028-03-31T23:59:59+09:00',
    });
    const limited = { ...before, valid_until: '2028-03-31' };
    expect(changes(limited, { ...limited, valid_until: '' })).toEqual({ valid_until: '' });
    expect(dayOf('2027-03-31T15:00:00Z')).toBe('2027-04-01');
    expect(dayOf(null)).toBe('');
    expect([startOfDay(''), endOfDay('')]).toEqual([null, null]);
  });

  test('says what is missing', () => {
    expect(problems(EMPTY)).toEqual({
      login: 'missing',
      name: 'missing',
      kana: 'missing',
      office: 'missing',
    });
    expect(problems({ ...before, valid_from: '2027-04-01', valid_until: '2027-03-31' })).toEqual({
      valid_until: 'order',
    });
    expect(problems(before)).toEqual({});
  });
});

describe('a line of the audit record', () => {
  const line = (over: Partial<AuditEntry>): AuditEntry => ({
    id: '1',
    at: '2026-11-01T09:00:00+09:00',
    node: { short: 'ab12', name: '本庁' },
    office: { id: 'o1', name: '本庁' },
    kind: 'log_in',
    actor: { id: 'u1', name: '佐藤 花子' },
    object: null,
    detail: {},
    verified: true,
    ...over,
  });
  const suzuki = { kind: 'user' as const, id: 'u2', name: '鈴木 一郎', user: null };

  test('is a sentence', () => {
    expect(auditSentence(line({}))).toBe('佐藤 花子 さんがログインしました');
    expect(auditSentence(line({ kind: 'user_suspended', object: suzuki }))).toBe(
      '佐藤 花子 さんが鈴木 一郎 さんを停止しました',
    );
    const device = {
      ...suzuki,
      kind: 'device' as const,
      name: '私のスマホ',
      user: { id: 'u2', name: '鈴木 一郎' },
    };
    expect(auditSentence(line({ kind: 'device_suspended', actor: null, object: device }))).toBe(
      'ノードが鈴木 一郎 さんの端末「私のスマホ」を停止しました',
    );
    expect(auditSentence(line({ kind: 'log_in_refused', actor: null }))).toBe(
      '不明な利用者のログインを断りました',
    );
    expect(auditSentence(line({ kind: 'person_added', detail: { count: '480' } }))).toBe(
      '佐藤 花子 さんが480 件を職員に追加しました',
    );
    expect(auditSentence(line({ kind: 'of_a_later_program' }))).toBe('このアプリの知らない種別の記録です');
  });

  test('every kind has a sentence without a gap', () => {
    for (const kind of AUDIT_KINDS) {
      const said = auditSentence(line({ kind, object: suzuki }));
      expect(said, kind).not.toMatch(/[{}]/);
      expect(said, kind).not.toBe('このアプリの知らない種別の記録です');
    }
  });

  test('what it says besides is in words', () => {
    const details = (kind: string, detail: Record<string, string>, object: AuditEntry['object'] = null) =>
      auditDetails(line({ kind, detail, object })).map(({ label, text }) => `${label}: ${text}`);
    expect(
      details('log_in_refused', { reason: 'wrong_credentials', address: '10.0.0.5', count: '12' }),
    ).toEqual(['理由: ログイン名かパスワードの誤り', '接続元: 10.0.0.5', '回数: 12']);
    expect(details('person_changed', { fields: 'section,post' }, suzuki)).toEqual([
      '項目: 所属 (課・係)、役職',
    ]);
    expect(details('role_granted', { role: 'office_admin' }, suzuki)).toEqual(['権限: 拠点管理者']);
    expect(details('policy_changed', { require_devices: 'true', lease_hours: '8' })).toEqual([
      '端末の登録を必須: はい',
      '利用期限 (時間): 8',
    ]);
    expect(details('import_applied', { person_added: '480' })).toEqual(['職員の追加: 480']);
    expect(details('forbidden', { reason: 'GET /api/v1/people' })).toEqual(['操作: GET /api/v1/people']);
    expect(details('user_suspended', { reason: '紛失' }, suzuki)).toEqual(['理由: 紛失']);
    expect(details('person_added', { name: '鈴木 一郎', roles: 'staff' }, suzuki)).toEqual(['権限: 職員']);
  });

  test('days are whole days in Japan', () => {
    expect(startOfDay('2026-11-01')).toBe('2026-11-01T00:00:00+09:00');
    expect(afterDay('2026-11-01')).toBe('2026-11-01T15:00:00.000Z');
    expect(afterDay('')).toBeNull();
  });
});

test('an answer that comes after a newer question is dropped', async () => {
  const answers: ((items: { id: string }[]) => void)[] = [];
  const list = new Paged<{ id: string }>(
    () =>
      new Promise((resolve) => {
        answers.push((items) => resolve({ items, next: null }));
      }),
  );
  list.load();
  list.load();
  answers[1]?.([{ id: 'new' }]);
  answers[0]?.([{ id: 'old' }]);
  await Promise.resolve();
  await Promise.resolve();
  expect(list.items).toEqual([{ id: 'new' }]);
  expect(list.status).toBe('ready');
});
