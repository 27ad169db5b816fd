// The texts of the administration pages in the chosen language, loaded together with those pages.
import { language } from '../language.svelte';
import type { Language } from '../types';
import { en } from './en';
import { ja } from './ja';
import type { AdministrationKey, AdministrationWords } from './types';

const tables: Record<Language, AdministrationWords> = { ja, en };

export const words: AdministrationWords = new Proxy(ja as AdministrationWords, {
  get: (_target, key) => tables[language.current][key as AdministrationKey],
});

/** A text whose key is made from data; `fallback` when this version does not know it. */
export function wordOf(key: string, fallback: string): string {
  const found = Object.hasOwn(ja, key) ? tables[language.current][key as AdministrationKey] : undefined;
  return typeof found === 'string' ? found : fallback;
}
