// UUIDv7 made on the device before the first attempt, so that every retry is the same message. Only
// `crypto.getRandomValues` is used: `crypto.randomUUID` does not exist on plain http.

type Fill = (bytes: Uint8Array<ArrayBuffer>) => void;

let lastMs = 0;
let counter = 0;

/** Ids of one page sort in the order they were made, also within one millisecond or after the clock went back. */
export function uuidv7(nowMs = Date.now(), fill: Fill = (bytes) => crypto.getRandomValues(bytes)): string {
  const bytes = new Uint8Array(16);
  fill(bytes);
  if (nowMs > lastMs) {
    lastMs = nowMs;
    counter = ((bytes[6]! & 0x07) << 8) | bytes[7]!;
  } else if (++counter > 0xfff) {
    lastMs += 1;
    counter = 0;
  }
  for (let i = 5, ms = lastMs; i >= 0; i--, ms = Math.floor(ms / 256)) bytes[i] = ms % 256;
  bytes[6] = 0x70 | (counter >> 8);
  bytes[7] = counter & 0xff;
  bytes[8] = 0x80 | (bytes[8]! & 0x3f);
  const hex = Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
