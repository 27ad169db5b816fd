import { describe, expect, test } from 'vitest';
import { composing, keyAction, type KeyContext, type KeyPress } from './keys';

const press = (over: Partial<KeyPress>): KeyPress => ({
  key: 'Enter',
  keyCode: 13,
  isComposing: false,
  ctrlKey: false,
  metaKey: false,
  shiftKey: false,
  altKey: false,
  ...over,
});
const context = (over: Partial<KeyContext> = {}): KeyContext => ({
  sendKey: 'mod-enter',
  touch: false,
  picking: false,
  closable: false,
  ...over,
});

describe('nothing happens while an input method composes', () => {
  const everything = ['Enter', 'Escape', 'ArrowUp', 'ArrowDown', 'Tab'];
  const contexts = [context({ sendKey: 'enter' }), context({ picking: true }), context({ closable: true })];

  test('Chromium and Firefox: isComposing', () => {
    for (const key of everything)
      for (const where of contexts) {
        expect(keyAction(press({ key, isComposing: true }), where)).toBe('none');
        expect(keyAction(press({ key, isComposing: true, ctrlKey: true }), where)).toBe('none');
      }
  });

  test('Safari: compositionend comes first, the Enter after it has keyCode 229 and isComposing false', () => {
    expect(composing(press({ keyCode: 229 }))).toBe(true);
    for (const key of everything)
      for (const where of contexts) expect(keyAction(press({ key, keyCode: 229 }), where)).toBe('none');
  });
});

describe('sending', () => {
  test('by default Ctrl or ⌘ with Enter sends and Enter is a new line', () => {
    expect(keyAction(press({}), context())).toBe('none');
    expect(keyAction(press({ ctrlKey: true }), context())).toBe('send');
    expect(keyAction(press({ metaKey: true }), context())).toBe('send');
  });

  test('swapped: Enter sends, Shift+Enter is a new line, Ctrl+Enter sends too', () => {
    const where = context({ sendKey: 'enter' });
    expect(keyAction(press({}), where)).toBe('send');
    expect(keyAction(press({ shiftKey: true }), where)).toBe('none');
    expect(keyAction(press({ ctrlKey: true }), where)).toBe('send');
  });

  test('on a phone Enter is always a new line', () => {
    expect(keyAction(press({}), context({ sendKey: 'enter', touch: true }))).toBe('none');
  });
});

describe('the list of candidates', () => {
  const where = context({ sendKey: 'enter', picking: true });
  test('takes Enter, Tab, arrows and Escape', () => {
    expect(keyAction(press({}), where)).toBe('pick');
    expect(keyAction(press({ key: 'Tab' }), where)).toBe('pick');
    expect(keyAction(press({ key: 'ArrowDown' }), where)).toBe('next');
    expect(keyAction(press({ key: 'ArrowUp' }), where)).toBe('previous');
    expect(keyAction(press({ key: 'Escape' }), where)).toBe('close');
  });

  test('Ctrl+Enter still sends', () => {
    expect(keyAction(press({ ctrlKey: true }), where)).toBe('send');
  });
});
