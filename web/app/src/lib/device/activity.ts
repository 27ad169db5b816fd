// When somebody last used the app in this browser, in any tab: a lock because of one idle tab while another is in use would
// only annoy.

const KEY = 'noroshi.active';
const NOTE_EVERY_MS = 5000;
/** A tab used this recently is open beside this one, or this is a reload of it. */
const BESIDE_MS = 15_000;
const SIGNS = ['pointerdown', 'keydown', 'scroll', 'touchstart'] as const;

let memory = 0;

export function lastActive(): number {
  try {
    return Math.max(memory, Number(localStorage.getItem(KEY)) || 0);
  } catch {
    return memory;
  }
}

export function noteActivity(nowMs = Date.now()): void {
  if (nowMs - memory < NOTE_EVERY_MS && nowMs >= memory) return;
  memory = nowMs;
  try {
    localStorage.setItem(KEY, String(nowMs));
  } catch {
    // Then every tab counts for itself.
  }
}

export const usedBeside = (nowMs = Date.now()): boolean => nowMs - lastActive() < BESIDE_MS;

export function watchActivity(): void {
  for (const sign of SIGNS) addEventListener(sign, () => noteActivity(), { capture: true, passive: true });
}

/** @param minutes 0 means never */
export const isIdle = (minutes: number, nowMs: number, lastMs: number): boolean =>
  minutes > 0 && nowMs - lastMs >= minutes * 60_000;
