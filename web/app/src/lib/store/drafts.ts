// Unsent text of each room, kept while one looks elsewhere or reloads.
import { database } from './db';

export class Drafts {
  /** What is in the database, so that the room list can show «draft» without asking it. */
  readonly texts = new Map<string, string>();
  #timers = new Map<string, ReturnType<typeof setTimeout>>();

  constructor(
    private readonly owner: string,
    private readonly delayMs = 300,
  ) {}

  #key = (room: string) => `${this.owner}/${room}`;

  async load(): Promise<void> {
    try {
      const prefix = this.#key('');
      for (const row of await (await database()).getAll('drafts'))
        if (row.key.startsWith(prefix)) this.texts.set(row.key.slice(prefix.length), row.text);
    } catch {
      // Without a database drafts live as long as the page.
    }
  }

  get(room: string): string {
    return this.texts.get(room) ?? '';
  }

  set(room: string, text: string): void {
    if (text === this.get(room)) return;
    if (text) this.texts.set(room, text);
    else this.texts.delete(room);
    clearTimeout(this.#timers.get(room));
    this.#timers.set(
      room,
      setTimeout(() => void this.#write(room), this.delayMs),
    );
  }

  /** Writes what is still waiting, when the page is about to go. */
  flush(): void {
    for (const [room, timer] of this.#timers) {
      clearTimeout(timer);
      void this.#write(room);
    }
  }

  async #write(room: string): Promise<void> {
    this.#timers.delete(room);
    const text = this.get(room);
    try {
      const db = await database();
      if (text) await db.put('drafts', { key: this.#key(room), text, saved_at: Date.now() });
      else await db.delete('drafts', this.#key(room));
    } catch {
      // See load().
    }
  }
}
