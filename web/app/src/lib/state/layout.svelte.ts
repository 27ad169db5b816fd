// How wide the page is in characters, not in pixels: doubled text on a desk screen needs the layout of a phone.

export type Width = 'phone' | 'tablet' | 'desk';

const PHONE_MAX = 760;
const TABLET_MAX = 1180;
const ROOT_FONT_PX = 16;

export function widthClass(px: number, fontPx: number): Width {
  const effective = (px * ROOT_FONT_PX) / fontPx;
  return effective <= PHONE_MAX ? 'phone' : effective <= TABLET_MAX ? 'tablet' : 'desk';
}

class Layout {
  width = $state<Width>('desk');

  start(): void {
    addEventListener('resize', () => this.measure());
    this.measure();
  }

  measure(): void {
    const root = document.documentElement;
    const fontPx = Number.parseFloat(getComputedStyle(root).fontSize) || ROOT_FONT_PX;
    this.width = widthClass(globalThis.innerWidth, fontPx);
    root.dataset['width'] = this.width;
  }
}

export const layout = new Layout();
