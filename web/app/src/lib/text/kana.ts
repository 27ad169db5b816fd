// Folds text for searching names: NFKC, lower case, katakana to hiragana, no spaces. So half-width, full-width and both
// kana find each other.
const KATAKANA_FIRST = 0x30a1;
const KATAKANA_LAST = 0x30f6;
const TO_HIRAGANA = 0x60;

export function fold(text: string): string {
  let folded = '';
  for (const char of text.normalize('NFKC').toLowerCase()) {
    if (/\s/u.test(char)) continue;
    const code = char.codePointAt(0)!;
    folded +=
      code >= KATAKANA_FIRST && code <= KATAKANA_LAST ? String.fromCodePoint(code - TO_HIRAGANA) : char;
  }
  return folded;
}

export const matches = (needle: string, ...fields: (string | null | undefined)[]): boolean => {
  const wanted = fold(needle);
  return wanted === '' || fields.some((field) => field != null && fold(field).includes(wanted));
};

/** The sign in a round avatar: the first character, whole, even when it takes two code units. */
export const initial = (name: string): string => [...name.trim()][0] ?? '?';
