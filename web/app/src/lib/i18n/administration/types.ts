// The shape of the administration texts: the same keys and arguments in every language.
import type { ja } from './ja';

export type AdministrationKey = keyof typeof ja;
export type AdministrationWords = {
  readonly [K in AdministrationKey]: (typeof ja)[K] extends (...args: infer A) => string
    ? (...args: A) => string
    : string;
};
