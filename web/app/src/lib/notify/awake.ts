// Keeps the screen on while the app is a wall display. Only where there is a secure context.

let lock: WakeLockSentinel | null = null;
let wanted = false;

async function take(): Promise<void> {
  if (!wanted || lock || document.visibilityState !== 'visible') return;
  try {
    lock = (await navigator.wakeLock?.request('screen')) ?? null;
    lock?.addEventListener('release', () => (lock = null));
  } catch {
    // Not allowed, or the battery is low: the screen sleeps as it always does.
  }
}

export function stayAwake(on: boolean): void {
  if (wanted === on) return;
  wanted = on;
  document.addEventListener('visibilitychange', () => void take());
  if (on) void take();
  else void lock?.release();
}
