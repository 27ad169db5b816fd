// The node's rules for a message text, checked before sending so that nobody learns of them by a failure.

/** Characters are code points: a rare kanji outside the basic plane counts once. */
export const MAX_TEXT = 10_000;

export const lengthOf = (text: string): number => {
  let n = 0;
  for (const _ of text) n++;
  return n;
};

const CONTROL = /(?![\n\t])\p{Cc}/gu;

export const normaliseLines = (text: string): string => text.replace(/\r\n?/g, '\n');
export const controlCount = (text: string): number => text.match(CONTROL)?.length ?? 0;
export const withoutControls = (text: string): string => text.replace(CONTROL, '');

export interface TextCheck {
  length: number;
  controls: number;
  empty: boolean;
  tooLong: boolean;
  sendable: boolean;
}

export function checkText(text: string): TextCheck {
  const trimmed = text.trim();
  const length = lengthOf(trimmed);
  const controls = controlCount(trimmed);
  const empty = length === 0;
  const tooLong = length > MAX_TEXT;
  return { length, controls, empty, tooLong, sendable: !empty && !tooLong && controls === 0 };
}

const EXCERPT = 80;

/** The beginning of a message, for quoting it; as long as the node makes it. */
export const excerpt = (text: string): string => [...text].slice(0, EXCERPT).join('');
