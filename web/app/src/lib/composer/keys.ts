// What a key press in a text field means. The rule above all: nothing is sent or chosen while an input method composes.
import type { SendKey } from '$lib/state/settings.svelte';

export type KeyPress = Pick<
  KeyboardEvent,
  'key' | 'keyCode' | 'isComposing' | 'ctrlKey' | 'metaKey' | 'shiftKey' | 'altKey'
>;

/**
 * `keyCode` 229 is what a browser reports for a key that the input method took. Safari ends the composition before the
 * confirming Enter arrives, so `isComposing` alone would let that Enter through.
 */
export const composing = (event: Pick<KeyPress, 'isComposing' | 'keyCode'>): boolean =>
  event.isComposing || event.keyCode === 229;

export type KeyAction = 'none' | 'send' | 'pick' | 'next' | 'previous' | 'close';

export interface KeyContext {
  sendKey: SendKey;
  /** An on-screen keyboard: its Enter always starts a new line. */
  touch: boolean;
  /** A list of candidates is open and takes Enter, arrows and Escape. */
  picking: boolean;
  /** There is something Escape would close. */
  closable: boolean;
}

export function keyAction(event: KeyPress, context: KeyContext): KeyAction {
  if (composing(event)) return 'none';
  if (event.key === 'Escape') return context.picking || context.closable ? 'close' : 'none';
  const modified = event.ctrlKey || event.metaKey;
  if (context.picking && !modified) {
    if (event.key === 'ArrowDown') return 'next';
    if (event.key === 'ArrowUp') return 'previous';
    if ((event.key === 'Enter' && !event.shiftKey) || event.key === 'Tab') return 'pick';
  }
  if (event.key !== 'Enter' || event.shiftKey || event.altKey) return 'none';
  if (modified) return 'send';
  return context.sendKey === 'enter' && !context.touch ? 'send' : 'none';
}

/** For fields inside forms: an Enter that confirms a conversion must not submit. */
export function holdComposingEnter(event: KeyboardEvent): void {
  if (event.key === 'Enter' && composing(event)) event.preventDefault();
}
