// Who is typing where. Never stored, forgotten after a few seconds.
import type { Named } from '$lib/api';

const SHOW_MS = 5000;

class Typing {
  #rooms = $state.raw<ReadonlyMap<string, ReadonlyMap<string, string>>>(new Map());
  #timers = new Map<string, ReturnType<typeof setTimeout>>();

  names(room: string): string[] {
    return [...(this.#rooms.get(room)?.values() ?? [])];
  }

  saw(room: string, user: Named): void {
    this.#change(room, (people) => people.set(user.id, user.name));
    const key = `${room}/${user.id}`;
    clearTimeout(this.#timers.get(key));
    this.#timers.set(
      key,
      setTimeout(() => this.stopped(room, user.id), SHOW_MS),
    );
  }

  stopped(room: string, user: string): void {
    if (this.#rooms.get(room)?.has(user)) this.#change(room, (people) => people.delete(user));
  }

  #change(room: string, edit: (people: Map<string, string>) => void): void {
    const people = new Map(this.#rooms.get(room));
    edit(people);
    this.#rooms = new Map(this.#rooms).set(room, people);
  }
}

export const typing = new Typing();
