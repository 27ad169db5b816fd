// The people one means in the message being written: what is typed after «@», who could be meant, who was chosen.
import { api, type Named, type User } from '$lib/api';
import { candidates, insertMention, mentionAt, stillMentioned, type MentionQuery } from '$lib/text/mention';

export class Mentions {
  query = $state.raw<MentionQuery | null>(null);
  /** Which candidate Enter would take. */
  choice = $state(0);
  #members = $state.raw<User[] | null>(null);
  #chosen = new Map<string, string>();

  constructor(
    private readonly room: string,
    private readonly me: string | undefined,
  ) {}

  get people(): User[] {
    const others = (this.#members ?? []).filter((user) => user.id !== this.me);
    return this.query ? candidates(others, this.query.query) : [];
  }

  get picking(): boolean {
    return this.people.length > 0;
  }

  /** Looks at what stands before the caret. */
  look(text: string, caret: number): void {
    this.query = mentionAt(text, caret);
    this.choice = 0;
    if (this.query && this.#members === null) void this.#load();
  }

  step(by: number): void {
    const count = this.people.length;
    this.choice = (this.choice + by + count) % count;
  }

  /** The text with the chosen name in it, and where the caret goes. */
  pick(index: number, text: string, caret: number): { text: string; caret: number } | null {
    const user = this.people[index];
    if (!user || !this.query) return null;
    const inserted = insertMention(text, this.query, caret, user.name);
    this.#chosen.set(user.id, user.name);
    this.query = null;
    return inserted;
  }

  close(): void {
    this.query = null;
  }

  /** Takes over those of a message that came back for correction. */
  restore(people: readonly Named[]): void {
    for (const { id, name } of people) this.#chosen.set(id, name);
  }

  /** Those whose name still stands in the text. */
  of(text: string): Named[] {
    return stillMentioned(text, this.#chosen).map((id) => ({ id, name: this.#chosen.get(id)! }));
  }

  clear(): void {
    this.query = null;
    this.#chosen.clear();
  }

  async #load(): Promise<void> {
    this.#members = [];
    try {
      this.#members = (await api.rooms.members(this.room)).items.map((member) => member.user);
    } catch {
      // Asked again at the next «@».
      this.#members = null;
    }
  }
}
