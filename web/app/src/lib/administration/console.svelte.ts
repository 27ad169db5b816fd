// The administrator's key at this node: unlocked by password for the acts that need a signature, for a while.
import { ApiError } from '$lib/api';
import { consoleKey as calls } from '$lib/api/administration';
import { whenKeyLocked } from '$lib/api/http';

class KeyState {
  /** Null while not known. */
  keyHere = $state<boolean | null>(null);
  unlockedUntilMs = $state<number | null>(null);
  /** The question for the password is open. */
  asking = $state(false);
  #answers: ((unlocked: boolean) => void)[] = [];

  constructor() {
    whenKeyLocked(() => this.ask());
  }

  isUnlocked(nowMs: number): boolean {
    return this.unlockedUntilMs !== null && this.unlockedUntilMs > nowMs;
  }

  async load(): Promise<void> {
    this.#take(await calls.get());
  }

  /** Opens the question; several calls that wait for the key share one. */
  ask(): Promise<boolean> {
    this.asking = true;
    this.unlockedUntilMs = null;
    if (this.keyHere === null) void this.load().catch(() => undefined);
    return new Promise((resolve) => this.#answers.push(resolve));
  }

  /** Throws what the node says, such as `wrong_password`. */
  async unlock(password: string): Promise<void> {
    this.#take(await calls.unlock(password));
    this.#answer(true);
  }

  giveUp(): void {
    this.#answer(false);
  }

  async lock(): Promise<void> {
    await calls.lock();
    this.unlockedUntilMs = null;
  }

  /** After a signed act the node counts its minutes anew. */
  async touched(): Promise<void> {
    await this.load().catch(() => undefined);
  }

  #take(state: { key_here: boolean; unlocked_until: string | null }): void {
    this.keyHere = state.key_here;
    this.unlockedUntilMs = state.unlocked_until ? Date.parse(state.unlocked_until) : null;
  }

  #answer(unlocked: boolean): void {
    const answers = this.#answers;
    this.#answers = [];
    this.asking = false;
    for (const answer of answers) answer(unlocked);
  }
}

export const key = new KeyState();
export const isWrongPassword = (cause: unknown): boolean =>
  cause instanceof ApiError && cause.code === 'wrong_password';
