// Short notes about what was just done or could not be done. They stay long enough to be read and can be dismissed.

export interface Toast {
  id: number;
  text: string;
  kind: 'info' | 'error';
}

const SHOW_MS = { info: 4000, error: 9000 };
/** What people must know about the node stays until they have put it away. */
const ALERT_MS = null;

class Toasts {
  items = $state<Toast[]>([]);
  #next = 1;

  #add(text: string, kind: Toast['kind'], showMs: number | null): void {
    const id = this.#next++;
    this.items = [...this.items.filter((toast) => toast.text !== text), { id, text, kind }];
    if (showMs !== null) setTimeout(() => this.dismiss(id), showMs);
  }

  info = (text: string) => this.#add(text, 'info', SHOW_MS.info);
  error = (text: string) => this.#add(text, 'error', SHOW_MS.error);
  alert = (text: string) => this.#add(text, 'error', ALERT_MS);
  dismiss = (id: number) => {
    this.items = this.items.filter((toast) => toast.id !== id);
  };
}

export const toasts = new Toasts();
