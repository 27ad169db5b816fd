// How a picture is enlarged and moved under fingers, wheel and keys. Pure, so that every gesture can be tested.

export interface View {
  /** 1: the whole picture fits. */
  scale: number;
  /** Of the middle of the picture from the middle of the window, CSS pixels. */
  x: number;
  y: number;
}

export interface Point {
  x: number;
  y: number;
}

export interface Size {
  width: number;
  height: number;
}

export const FITTED: View = { scale: 1, x: 0, y: 0 };
export const SCALE_MAX = 8;
const STEP = 1.5;

const clamp = (value: number, limit: number) => Math.max(-limit, Math.min(limit, value));

/** The picture never leaves the window altogether. @param picture its size at scale 1 */
export function held(view: View, picture: Size, window: Size): View {
  const scale = Math.max(1, Math.min(SCALE_MAX, view.scale));
  const slack = (picture: number, window: number) => Math.max(0, (picture * scale - window) / 2);
  return {
    scale,
    x: clamp(view.x, slack(picture.width, window.width)),
    y: clamp(view.y, slack(picture.height, window.height)),
  };
}

/** Enlarges around a point, which stays under the finger. @param at from the middle of the window */
export function zoomed(view: View, factor: number, at: Point = { x: 0, y: 0 }): View {
  const scale = Math.max(1, Math.min(SCALE_MAX, view.scale * factor));
  const grown = scale / view.scale;
  return { scale, x: at.x - (at.x - view.x) * grown, y: at.y - (at.y - view.y) * grown };
}

export const zoomedIn = (view: View): View => zoomed(view, STEP);
export const zoomedOut = (view: View): View => zoomed(view, 1 / STEP);
export const moved = (view: View, by: Point): View => ({ ...view, x: view.x + by.x, y: view.y + by.y });

const middle = (a: Point, b: Point): Point => ({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 });
const distance = (a: Point, b: Point) => Math.hypot(a.x - b.x, a.y - b.y);

/** Two fingers went from one pair of points to another. */
export function pinched(view: View, from: [Point, Point], to: [Point, Point]): View {
  const before = middle(...from);
  const after = middle(...to);
  const apart = distance(...from);
  const followed = moved(view, { x: after.x - before.x, y: after.y - before.y });
  return apart === 0 ? followed : zoomed(followed, distance(...to) / apart, after);
}
