import { expect, test } from 'vitest';
import {
  FILE_BYTES_MAX,
  FILES_MAX,
  nameOfPasted,
  refusalOf,
  sizeText,
  sortOf,
  WAITING_BYTES_MAX,
} from './files';
import { FITTED, held, moved, pinched, SCALE_MAX, zoomed } from './zoom';

const file = (over = {}) => ({ name: 'x.pdf', size: 1, ...over });

test('each limit lets its last one through and not the next', () => {
  expect(refusalOf(file(), FILES_MAX - 1, 0)).toBeNull();
  expect(refusalOf(file(), FILES_MAX, 0)).toBe('too_many');
  expect(refusalOf(file({ size: FILE_BYTES_MAX }), 0, 0)).toBeNull();
  expect(refusalOf(file({ size: FILE_BYTES_MAX + 1 }), 0, 0)).toBe('too_large');
  expect(refusalOf(file(), 0, WAITING_BYTES_MAX - 1)).toBeNull();
  expect(refusalOf(file(), 0, WAITING_BYTES_MAX)).toBe('device_full');
  expect(refusalOf(file({ size: 0 }), 0, 0)).toBe('empty');
});

test('programs are known by their name, also behind another ending', () => {
  expect(refusalOf(file({ name: '地図.pdf.EXE' }), 0, 0)).toBe('program');
  expect(refusalOf(file({ name: 'exe' }), 0, 0)).toBeNull();
  expect(refusalOf(file({ name: '名簿.xlsx' }), 0, 0)).toBeNull();
});

test('sizes read well at every border', () => {
  expect([0, 1023, 1024, 10 * 1024, 1024 ** 2 - 1, 50 * 1024 ** 2, 3 * 1024 ** 3].map(sizeText)).toEqual([
    '0 B',
    '1023 B',
    '1.0 KB',
    '10 KB',
    '1.0 MB',
    '50 MB',
    '3.0 GB',
  ]);
});

test('what is pasted gets a name, and each file its sort', () => {
  expect(nameOfPasted('image/png', new Date(2026, 10, 22, 9, 5, 7))).toBe('20261122-090507.png');
  expect(nameOfPasted('image/jpeg', new Date(2026, 0, 2))).toBe('20260102-000000.jpg');
  expect(sortOf('名簿.xlsx', '')).toBe('table');
  expect(sortOf('x', 'image/png')).toBe('picture');
  expect(sortOf('x.svg', 'image/svg+xml')).toBe('other');
});

test('enlarging keeps the point under the finger, within its bounds', () => {
  const view = zoomed(FITTED, 2, { x: 100, y: 50 });
  expect(view).toEqual({ scale: 2, x: -100, y: -50 });
  expect(zoomed(view, 100).scale).toBe(SCALE_MAX);
  expect(zoomed(view, 0.01).scale).toBe(1);
});

test('two fingers enlarge and carry the picture with them', () => {
  const from: [{ x: number; y: number }, { x: number; y: number }] = [
    { x: -10, y: 0 },
    { x: 10, y: 0 },
  ];
  expect(
    pinched(FITTED, from, [
      { x: -20, y: 5 },
      { x: 20, y: 5 },
    ]),
  ).toEqual({ scale: 2, x: 0, y: 5 });
  // Both fingers on one spot say nothing about the size.
  expect(
    pinched(
      FITTED,
      [from[0], from[0]],
      [
        { x: 0, y: 0 },
        { x: 0, y: 0 },
      ],
    ).scale,
  ).toBe(1);
});

test('the picture never leaves the window', () => {
  const size = { width: 100, height: 100 };
  expect(held(moved(FITTED, { x: 500, y: 500 }), size, size)).toEqual({ scale: 1, x: 0, y: 0 });
  expect(held({ scale: 3, x: 500, y: -500 }, size, size)).toEqual({ scale: 3, x: 100, y: -100 });
});
