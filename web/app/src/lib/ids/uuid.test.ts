import { describe, expect, test } from 'vitest';
import { uuidv7 } from './uuid';

describe('UUIDv7', () => {
  test('has version 7, the RFC variant and the time in front', () => {
    const id = uuidv7(0x0192_f000_0000);
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(id.startsWith('0192f000-0000-7')).toBe(true);
  });

  test('needs getRandomValues alone, because randomUUID does not exist on plain http', () => {
    const original = crypto.randomUUID;
    Object.defineProperty(crypto, 'randomUUID', { value: undefined, configurable: true });
    expect(uuidv7()).toHaveLength(36);
    Object.defineProperty(crypto, 'randomUUID', { value: original, configurable: true });
  });

  test('sorts in the order made, within one millisecond and after the clock went back', () => {
    const now = Date.now() + 60_000;
    const ids = [
      ...Array.from({ length: 5000 }, () => uuidv7(now)),
      ...Array.from({ length: 10 }, (_, i) => uuidv7(now - 5000 - i)),
    ];
    expect([...ids].sort()).toEqual(ids);
    expect(new Set(ids).size).toBe(ids.length);
  });
});
