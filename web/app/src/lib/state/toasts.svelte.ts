// Short notes about what was just done or could not be done. They stay long enough to be read and can be dismissed.

export interface Toast {
  id: number;
  text: string;
  kind: 'info' | 'error';
}

const SHOW_MS = { info: 4000, error: 9000 };

class Toasts {
  items = $state<Toast[]>([]);
  #next = 1;

  #add(text: string, kind: Toast['kind']): void {
    const id = this.#next++;
    this.items = [...this.items.filter((toast) => toast.text !== text), { id, text, kind }];
    setTimeout(() => this.dismiss(id), SHOW_MS[kind]);
  }

  info = (text: string) => this.#add(text, 'info');
  error = (text: string) => this.#add(text, 'error');
  dismiss = (id: number) => {
    this.items = this.items.filter((toast) => toast.id !== id);
  };
}

export const toasts = new Toasts();
