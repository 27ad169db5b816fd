import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { wordOf, words } from './administration';
import { en as administrationEn } from './administration/en';
import { ja as administrationJa } from './administration/ja';
import { en } from './en';
import { language, t, textOf } from './index';
import { ja } from './ja';

const SOURCE = join(import.meta.dirname, '../..');
const JAPANESE = /[\u3000-\u30ff\u3400-\u9fff\uf900-\ufaff\uff01-\uff9f]/;

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'testing' ? [] : sources(path);
    return /\.(ts|js|svelte)$/.test(entry.name) && !entry.name.endsWith('.test.ts') ? [path] : [];
  });
}

type Table = Record<string, unknown>;
/** `name`: what the texts are called where they are used; `dynamic`: keys made from data. */
const tables: { name: string; ja: Table; en: Table; dynamic: RegExp }[] = [
  { name: 't', ja, en, dynamic: /^(stamp|role|fileSort|transport|waiting|cut)_/ },
  {
    name: 'words',
    ja: administrationJa,
    en: administrationEn,
    dynamic: /^(field|office|employment|roleHint|audit|auditSay|auditReason|auditDetail)_/,
  },
];

afterEach(() => language.set('ja'));

test.each(tables)('both languages have the same keys and kinds: $name', ({ ja, en }) => {
  expect(Object.keys(en).sort()).toEqual(Object.keys(ja).sort());
  for (const [key, value] of Object.entries(ja)) {
    const other = en[key];
    expect(typeof other, key).toBe(typeof value);
    if (typeof value === 'function') expect((other as () => void).length, key).toBe(value.length);
  }
});

test.each(tables)('no text is empty, and English has no Japanese in it: $name', ({ en }) => {
  for (const [key, value] of Object.entries(en)) {
    const text = typeof value === 'string' ? value : (value as (...a: unknown[]) => string)(1, 2, 3);
    expect(text, key).not.toBe('');
    if (key !== 'languageJa' && key !== 'settingsLanguage')
      expect(JAPANESE.test(text), `${key}: ${text}`).toBe(false);
  }
});

test('no Japanese stands outside the language files', () => {
  const found = sources(SOURCE)
    .filter((path) => !/\/i18n\/(administration\/)?(ja|en)\.ts$/.test(path))
    .filter((path) => JAPANESE.test(readFileSync(path, 'utf8')));
  expect(found).toEqual([]);
});

test.each(tables)('every text is used somewhere: $name', ({ name, ja, dynamic }) => {
  const code = sources(SOURCE)
    .filter((path) => !path.includes('/i18n/'))
    .map((path) => readFileSync(path, 'utf8'))
    .join('\n');
  const unused = Object.keys(ja).filter(
    (key) => !dynamic.test(key) && !new RegExp(`\\b${name}\\.${key}\\b`).test(code),
  );
  expect(unused).toEqual([]);
});

test('no component writes markup from data', () => {
  const found = sources(SOURCE).filter((path) =>
    /\{@html|innerHTML|outerHTML|insertAdjacentHTML/.test(readFileSync(path, 'utf8')),
  );
  expect(found).toEqual([]);
});

test('switching the language switches the texts', () => {
  expect(t.stateWaiting).toBe('送信待ち');
  language.set('en');
  expect(t.stateWaiting).toBe('Waiting to send');
  expect(document.documentElement.lang).toBe('en');
});

test('words made from data fall back to what the data says', () => {
  expect(textOf('stamp_ryokai', 'ryokai')).toBe('了解');
  expect(textOf('stamp_hatena', 'hatena')).toBe('hatena');
  expect(textOf('constructor', 'constructor')).toBe('constructor');
});

test('the words of the administration follow the language too', () => {
  expect(words.suspend).toBe('停止');
  language.set('en');
  expect(words.suspend).toBe('Stop');
  expect(wordOf('office_branch', 'branch')).toBe('Branch office');
  expect(wordOf('office_new_kind', 'new_kind')).toBe('new_kind');
});
