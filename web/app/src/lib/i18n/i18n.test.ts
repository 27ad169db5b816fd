import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
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

afterEach(() => language.set('ja'));

test('both languages have the same keys and kinds', () => {
  expect(Object.keys(en).sort()).toEqual(Object.keys(ja).sort());
  for (const [key, value] of Object.entries(ja)) {
    const other = en[key as keyof typeof en] as unknown;
    expect(typeof other, key).toBe(typeof value);
    if (typeof value === 'function') expect((other as () => void).length, key).toBe(value.length);
  }
});

test('no text is empty, and English has no Japanese in it', () => {
  for (const [key, value] of Object.entries(en)) {
    const text = typeof value === 'string' ? value : (value as (...a: unknown[]) => string)(1, 2, 3);
    expect(text, key).not.toBe('');
    if (key !== 'languageJa' && key !== 'settingsLanguage')
      expect(JAPANESE.test(text), `${key}: ${text}`).toBe(false);
  }
});

test('no Japanese stands outside the language files', () => {
  const found = sources(SOURCE)
    .filter((path) => !path.includes('/i18n/ja.ts') && !path.includes('/i18n/en.ts'))
    .filter((path) => JAPANESE.test(readFileSync(path, 'utf8')));
  expect(found).toEqual([]);
});

test('every text is used somewhere', () => {
  const code = sources(SOURCE)
    .filter((path) => !path.includes('/i18n/'))
    .map((path) => readFileSync(path, 'utf8'))
    .join('\n');
  const dynamic = /^(stamp|role)_/;
  const unused = Object.keys(ja).filter(
    (key) => !dynamic.test(key) && !new RegExp(`\\bt\\.${key}\\b`).test(code),
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
