// Which slice of the loaded messages is in the page. A room of 20,000 messages stays quick because no more than
// `MAX_ROWS` of them are ever drawn.

export const MAX_ROWS = 300;
export const STEP = 100;

export interface Slice {
  from: number;
  to: number;
}

export const tail = (length: number): Slice => ({ from: Math.max(0, length - MAX_ROWS), to: length });

export function slideUp({ from, to }: Slice): Slice {
  const top = Math.max(0, from - STEP);
  return { from: top, to: Math.min(to, top + MAX_ROWS) };
}

export function slideDown({ from, to }: Slice, length: number): Slice {
  const bottom = Math.min(length, to + STEP);
  return { from: Math.max(from, bottom - MAX_ROWS), to: bottom };
}

/** A slice that shows `index` with room on both sides. */
export function around(index: number, length: number): Slice {
  const from = Math.max(0, Math.min(index - MAX_ROWS / 2, length - MAX_ROWS));
  return { from, to: Math.min(length, from + MAX_ROWS) };
}

/** The slice after `count` items were put in before it. */
export const shifted = ({ from, to }: Slice, count: number): Slice => ({
  from: from + count,
  to: to + count,
});
