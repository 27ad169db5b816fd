import { expect, test } from 'vitest';
import { passwordProblem } from './password';

test.each([
  ['fourteen chars', true, 'length'],
  ['fifteen charact', true, null],
  ['kamome7', false, 'length'],
  ['kamome77', false, null],
  // Characters, not halves of them; and as the node normalises.
  ['𠮷𠮷𠮷𠮷𠮷𠮷𠮷', false, 'length'],
  ['ｋａｍｏｍｅ７', false, 'length'],
  ['あ'.repeat(43), true, 'long'],
  ['ａ'.repeat(128), true, null],
  ['ｆｉｆｔｅｅｎ ｃｈａｒａｃｔｅｒｓ', true, 'same'],
] as const)('%s', (wanted, alone, problem) => {
  expect(passwordProblem(wanted, 'fifteen characters', alone)).toBe(problem);
});
