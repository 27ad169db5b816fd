// Changing the order of a short list without dragging.

/** The list with the item at `index` moved by `by` places, as far as it goes. */
export function moved<T>(list: readonly T[], index: number, by: number): T[] {
  const to = Math.min(list.length - 1, Math.max(0, index + by));
  const item = list[index];
  if (item === undefined || to === index) return [...list];
  const rest = list.filter((_, i) => i !== index);
  return [...rest.slice(0, to), item, ...rest.slice(to)];
}
