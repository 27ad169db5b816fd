// Whether anybody is looking at the page, and a clock that redraws what depends on the day.

class PageState {
  visible = $state(true);
  focused = $state(true);
  now = $state(Date.now());

  constructor() {
    if (typeof document === 'undefined') return;
    const look = () => {
      this.visible = document.visibilityState === 'visible';
      this.focused = document.hasFocus();
      this.now = Date.now();
    };
    document.addEventListener('visibilitychange', look);
    globalThis.addEventListener('focus', look);
    globalThis.addEventListener('blur', look);
    look();
    setInterval(() => (this.now = Date.now()), 20_000);
  }

  /** Somebody can be assumed to read what is on the screen. */
  get watched(): boolean {
    return this.visible && this.focused;
  }
}

export const page = new PageState();
