// Asks before an act of administration: why, and for the heaviest ones a typed word. As a promise, so that callers read top
// to bottom.
import { GivenUp, sentence } from '$lib/api';
import { toasts } from '$lib/state/toasts.svelte';
import { key } from './console.svelte';

export interface ActQuestion {
  title: string;
  text: string;
  confirm: string;
  danger?: boolean;
  /** Ask for a reason; `required` refuses an empty one. */
  reason?: 'optional' | 'required';
  /** The person has to type this. */
  typed?: string;
}

export interface ActAnswer {
  reason: string;
}

class Act {
  question = $state.raw<ActQuestion | null>(null);
  #answer: ((answer: ActAnswer | null) => void) | null = null;

  ask(question: ActQuestion): Promise<ActAnswer | null> {
    this.#answer?.(null);
    this.question = question;
    return new Promise((resolve) => (this.#answer = resolve));
  }

  answer(answer: ActAnswer | null): void {
    const resolve = this.#answer;
    this.#answer = null;
    this.question = null;
    resolve?.(answer);
  }
}

export const act = new Act();

/** Says what went wrong, unless the person gave up themselves. */
export function tell(cause: unknown): void {
  if (!(cause instanceof GivenUp)) toasts.error(sentence(cause));
}

/** Runs an act and says how it went. Returns its result, or null. */
export async function carryOut<T>(work: () => Promise<T>, done?: string): Promise<{ result: T } | null> {
  try {
    const result = await work();
    if (done) toasts.info(done);
    void key.touched();
    return { result };
  } catch (cause) {
    tell(cause);
    return null;
  }
}

/** What was typed to confirm: full-width and half-width, spaces and commas make no difference. */
export const sameTyped = (typed: string, wanted: string): boolean => {
  const plain = (text: string) => text.normalize('NFKC').replace(/[\s,]/gu, '').toLowerCase();
  return plain(typed) === plain(wanted);
};
