// Whole numbers as people type them, also in full-width digits.

/** The number, or null when it is none or outside `min`–`max`. */
export function numberOf(typed: string, min: number, max: number): number | null {
  const text = typed.normalize('NFKC').trim();
  if (!/^\d{1,9}$/.test(text)) return null;
  const value = Number(text);
  return value >= min && value <= max ? value : null;
}
