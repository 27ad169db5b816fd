// The shape every language must have: the same keys and the same argument lists as the Japanese source.
import type { ja } from './ja';

export type MessageKey = keyof typeof ja;
export type Messages = {
  readonly [K in MessageKey]: (typeof ja)[K] extends (...args: infer A) => string
    ? (...args: A) => string
    : string;
};
export type Language = 'ja' | 'en';
