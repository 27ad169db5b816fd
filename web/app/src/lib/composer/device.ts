// Facts about the keyboard in front of the person.

export const touchKeyboard = (): boolean =>
  globalThis.matchMedia?.('(hover: none) and (pointer: coarse)').matches ?? false;

export const isMac = (): boolean => /Mac|iPhone|iPad/.test(globalThis.navigator?.userAgent ?? '');

/** Name of the key that sends together with Enter. */
export const modifierName = (): string => (isMac() ? '⌘' : 'Ctrl');
