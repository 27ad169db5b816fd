// A list that the node gives page by page: what is loaded, whether there is more, and what went wrong. An answer that comes
// after a newer question is dropped.
import { ApiError, sentence, type Page } from '$lib/api';

/** `absent`: the node is of a version that does not know this list. */
export type LoadStatus = 'loading' | 'ready' | 'error' | 'absent';

export class Paged<T extends { id: string }> {
  items = $state.raw<T[]>([]);
  status = $state<LoadStatus>('loading');
  problem = $state('');
  more = $state(false);
  #next: string | null = null;
  #turn = 0;

  constructor(
    private readonly fetch: (cursor: string | undefined, signal: AbortSignal) => Promise<Page<T>>,
  ) {}

  #abort: AbortController | null = null;

  /** From the beginning, with whatever filter `fetch` now uses. Returns how to give up. */
  load(): () => void {
    this.#abort?.abort();
    const abort = (this.#abort = new AbortController());
    if (this.items.length === 0) this.status = 'loading';
    void this.#ask(undefined, abort.signal);
    return () => abort.abort();
  }

  loadMore(): void {
    if (this.#next === null || this.status === 'loading') return;
    void this.#ask(this.#next, (this.#abort ?? new AbortController()).signal);
  }

  /** Puts the node's newest word on one of them in its place. */
  replace(item: T): void {
    this.items = this.items.map((other) => (other.id === item.id ? item : other));
  }

  async #ask(cursor: string | undefined, signal: AbortSignal): Promise<void> {
    const turn = ++this.#turn;
    this.more = false;
    try {
      const page = await this.fetch(cursor, signal);
      if (turn !== this.#turn) return;
      this.items = cursor === undefined ? page.items : [...this.items, ...page.items];
      this.#next = page.next;
      this.more = page.next !== null;
      this.status = 'ready';
      this.problem = '';
    } catch (cause) {
      if (turn !== this.#turn || signal.aborted) return;
      this.problem = sentence(cause);
      this.status = cause instanceof ApiError && cause.status === 404 ? 'absent' : 'error';
    }
  }
}
