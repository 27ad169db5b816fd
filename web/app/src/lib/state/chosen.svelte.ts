// The files chosen for the next message of each room, kept while one looks elsewhere in the app.
import { isPicture, nameOfPasted, refusalOf, type Refusal } from '$lib/attachments/files';
import { previewOf } from '$lib/attachments/preview';
import { uuidv7 } from '$lib/ids/uuid';
import { outbox, type ChosenFile } from './outbox.svelte';

export interface Refused {
  name: string;
  why: Refusal;
}

class Chosen {
  #rooms = $state.raw<ReadonlyMap<string, ChosenFile[]>>(new Map());

  constructor() {
    // Chosen files are in no database yet: the browser asks before the page goes.
    globalThis.addEventListener?.('beforeunload', (event) => {
      if (this.#rooms.size > 0) event.preventDefault();
    });
  }

  of(room: string): ChosenFile[] {
    return this.#rooms.get(room) ?? [];
  }

  get #bytes(): number {
    return [...this.#rooms.values()].flat().reduce((sum, file) => sum + file.size, 0);
  }

  /** Takes what can be sent and answers what cannot. */
  async add(room: string, files: Iterable<File>): Promise<Refused[]> {
    const refused: Refused[] = [];
    for (const file of files) {
      const name = file.name || nameOfPasted(file.type, new Date());
      const why = refusalOf({ name, size: file.size }, this.of(room).length, outbox.fileBytes + this.#bytes);
      if (why) refused.push({ name, why });
      else this.#take(room, name, file);
    }
    await this.#drawn;
    return refused;
  }

  /** What came back from the outbox. */
  restore(room: string, files: readonly ChosenFile[]): void {
    this.#set(room, [...this.of(room), ...files]);
  }

  remove(room: string, key: string): void {
    this.#set(
      room,
      this.of(room).filter((file) => file.key !== key),
    );
  }

  /** These are in the outbox now. */
  sent(room: string, files: readonly ChosenFile[]): void {
    const keys = new Set(files.map((file) => file.key));
    this.#set(
      room,
      this.of(room).filter((file) => !keys.has(file.key)),
    );
  }

  keepPlace(room: string, keep: boolean): void {
    this.#set(
      room,
      this.of(room).map((file) => ({ ...file, keep_place: keep && isPicture(file.type) })),
    );
  }

  clear(): void {
    this.#rooms = new Map();
  }

  /** Small copies are drawn one after the other: ten large photos at once are too much for a telephone. */
  #drawn: Promise<void> = Promise.resolve();

  #take(room: string, name: string, bytes: File): void {
    const keep_place = this.of(room).some((file) => file.keep_place) && isPicture(bytes.type);
    const key = uuidv7();
    const file: ChosenFile = {
      key,
      name,
      size: bytes.size,
      type: bytes.type,
      keep_place,
      preview: null,
      bytes,
    };
    this.#set(room, [...this.of(room), file]);
    this.#drawn = this.#drawn.then(async () => {
      const preview = await previewOf(bytes);
      if (preview)
        this.#set(
          room,
          this.of(room).map((one) => (one.key === key ? { ...one, preview } : one)),
        );
    });
  }

  #set(room: string, files: ChosenFile[]): void {
    const rooms = new Map(this.#rooms);
    if (files.length > 0) rooms.set(room, files);
    else rooms.delete(room);
    this.#rooms = rooms;
  }
}

export const chosen = new Chosen();
