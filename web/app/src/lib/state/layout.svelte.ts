// How wide the page is in characters, not in pixels: doubled text on a desk screen needs the layout of a phone.

export type Width = 'tiny' | 'phone' | 'tablet' | 'desk';

/** Doubled text on a phone. */
const TINY_MAX = 280;
const PHONE_MAX = 760;
const TABLET_MAX = 1180;
const ROOT_FONT_PX = 16;

export function widthClass(px: number, fontPx: number): Width {
  const effective = (px * ROOT_FONT_PX) / fontPx;
  if (effective <= TINY_MAX) return 'tiny';
  if (effective <= PHONE_MAX) return 'phone';
  return effective <= TABLET_MAX ? 'tablet' : 'desk';
}

class Layout {
  width = $state<Width>('desk');

  start(): void {
    addEventListener('resize', () => this.measure());
    globalThis.visualViewport?.addEventListener('resize', () => this.#fitKeyboard());
    this.measure();
  }

  /** On iPhones the keyboard covers the page instead of shrinking it. Zooming in is not the keyboard. */
  #fitKeyboard(): void {
    const viewport = globalThis.visualViewport;
    if (!viewport || Math.abs(viewport.scale - 1) > 0.01) return;
    document.documentElement.style.setProperty('--viewport', `${Math.round(viewport.height)}px`);
  }

  measure(): void {
    const root = document.documentElement;
    const fontPx = Number.parseFloat(getComputedStyle(root).fontSize) || ROOT_FONT_PX;
    this.width = widthClass(globalThis.innerWidth, fontPx);
    root.dataset['width'] = this.width === 'tiny' ? 'phone' : this.width;
    root.dataset['tiny'] = String(this.width === 'tiny');
  }
}

export const layout = new Layout();
