// The texts in the chosen language. `t.key` is reactive, so switching the language redraws without a reload.
import { en } from './en';
import { ja } from './ja';
import type { Language, MessageKey, Messages } from './types';

export type { Language, MessageKey, Messages } from './types';

const tables: Record<Language, Messages> = { ja, en };
let current = $state<Language>('ja');

export const language = {
  get current(): Language {
    return current;
  },
  set(next: Language) {
    current = next;
    document.documentElement.lang = next;
  },
};

export const t: Messages = new Proxy(ja as Messages, {
  get: (_target, key) => tables[current][key as MessageKey],
});

/** A text whose key is made from data, such as a role or a stamp; `fallback` when this version does not know it. */
export function textOf(key: string, fallback: string): string {
  const found = Object.hasOwn(ja, key) ? tables[current][key as MessageKey] : undefined;
  return typeof found === 'string' ? found : fallback;
}
