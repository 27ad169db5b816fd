import { describe, expect, test } from 'vitest';
import { fold, initial, matches } from './kana';
import { checkText, controlCount, lengthOf, MAX_TEXT, normaliseLines, withoutControls } from './limits';
import { candidates, insertMention, mentionAt, stillMentioned } from './mention';
import { partsOf } from './parts';

describe('searching names', () => {
  test('kana, width, case and spaces do not matter', () => {
    expect(fold('サトウ　ハナコ')).toBe('さとうはなこ');
    expect(fold('ｻﾄｳ')).toBe('さとう');
    expect(fold('ＡＢＣ')).toBe('abc');
    expect(matches('サトウ', '佐藤 花子', 'さとう はなこ')).toBe(true);
    expect(matches('北', null, undefined, '北支所')).toBe(true);
    expect(matches('山', '佐藤 花子')).toBe(false);
  });

  test('the sign of a name is a whole character', () => {
    expect(initial('𠮷田 太郎')).toBe('𠮷');
    expect(initial('  ')).toBe('?');
  });
});

describe('limits of a text', () => {
  test('characters are code points', () => {
    expect(lengthOf('𠮷田')).toBe(2);
    expect(checkText('𠮷'.repeat(MAX_TEXT)).sendable).toBe(true);
    expect(checkText('𠮷'.repeat(MAX_TEXT + 1))).toMatchObject({ tooLong: true, sendable: false });
  });

  test('control characters are found, newline and tab are not control characters', () => {
    expect(controlCount('a\nb\tc')).toBe(0);
    expect(controlCount('a\u0007b\u0085c\u001b')).toBe(3);
    expect(checkText('a\u0000').sendable).toBe(false);
    expect(withoutControls('a\u0007\nb')).toBe('a\nb');
    expect(normaliseLines('a\r\nb\rc')).toBe('a\nb\nc');
  });

  test('blank is not sendable, blanks around do not count', () => {
    expect(checkText(' 　\n')).toMatchObject({ empty: true, sendable: false });
    expect(checkText('  了解  ').length).toBe(2);
  });
});

describe('mentions', () => {
  test('are found at the caret', () => {
    expect(mentionAt('了解 @すず', 6)).toEqual({ start: 3, query: 'すず' });
    expect(mentionAt('了解＠すず', 5)).toEqual({ start: 2, query: 'すず' });
    expect(mentionAt('@すず き', 5)).toBeNull();
    expect(mentionAt('mail@example', 12)).toBeNull();
    expect(mentionAt('@', 1)).toEqual({ start: 0, query: '' });
  });

  test('candidates by name, reading and office', () => {
    const people = [
      { id: '1', name: '鈴木 一郎', kana: 'すずき いちろう', office: { name: '本庁' } },
      { id: '2', name: '伊藤 大輔', kana: 'いとう だいすけ', office: { name: '南支所' } },
    ];
    expect(candidates(people, 'スズ').map((p) => p.id)).toEqual(['1']);
    expect(candidates(people, '南').map((p) => p.id)).toEqual(['2']);
    expect(candidates(people, '').length).toBe(2);
  });

  test('a chosen name replaces what was typed and is meant by id while it stands', () => {
    const text = '了解 @すず お願いします';
    const done = insertMention(text, mentionAt(text, 6)!, 6, '鈴木 一郎');
    expect(done.text).toBe('了解 @鈴木 一郎  お願いします');
    expect(done.caret).toBe('了解 @鈴木 一郎 '.length);
    const chosen = new Map([
      ['u-1', '鈴木 一郎'],
      ['u-2', '伊藤 大輔'],
    ]);
    expect(stillMentioned(done.text, chosen)).toEqual(['u-1']);
  });
});

describe('parts of a text', () => {
  test('mentions and links become parts, markup stays text', () => {
    const parts = partsOf('@佐藤 花子 <b>http://a.example/x?y=1</b>。', [{ id: 'u', name: '佐藤 花子' }]);
    expect(parts).toEqual([
      { kind: 'mention', text: '@佐藤 花子', user: 'u' },
      { kind: 'text', text: ' <b>' },
      { kind: 'link', text: 'http://a.example/x?y=1', href: 'http://a.example/x?y=1' },
      { kind: 'text', text: '</b>。' },
    ]);
  });

  test('a full stop after an address does not belong to it; other schemes are text', () => {
    expect(partsOf('見てください http://a.example/.')[1]).toEqual({
      kind: 'link',
      text: 'http://a.example/',
      href: 'http://a.example/',
    });
    expect(partsOf('javascript:alert(1)')).toEqual([{ kind: 'text', text: 'javascript:alert(1)' }]);
  });

  test('the longer of two names wins', () => {
    const people = [
      { id: '1', name: '田中' },
      { id: '2', name: '田中 美咲' },
    ];
    expect(partsOf('@田中 美咲', people)).toEqual([{ kind: 'mention', text: '@田中 美咲', user: '2' }]);
  });

  test('the parts together are the text', () => {
    const text = 'A @田中 http://x.example/。B\nhttp://y.example/z), @誰か';
    expect(
      partsOf(text, [{ id: '1', name: '田中' }])
        .map((part) => part.text)
        .join(''),
    ).toBe(text);
  });
});
