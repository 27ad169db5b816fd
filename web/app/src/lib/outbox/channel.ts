// Tells the other tabs of this browser what happened to the shared outbox.
import type { Message } from '$lib/api/types';

export type Notice =
  | { kind: 'changed' }
  /** Somebody has reason to hurry: the line is back, or the person pressed «send again». */
  | { kind: 'kick' }
  | { kind: 'sent'; message: Message }
  /** How much of a file has gone. */
  | { kind: 'moved'; file: string; bytes: number }
  /** The person took a message back: whoever sends its files stops. */
  | { kind: 'cancelled'; id: string }
  | { kind: 'logout' };

export interface TabChannel {
  tell(notice: Notice): void;
  close(): void;
}

const NAME = 'noroshi-outbox';

export function openChannel(hear: (notice: Notice) => void): TabChannel {
  if (typeof BroadcastChannel === 'undefined') return { tell() {}, close() {} };
  const channel = new BroadcastChannel(NAME);
  channel.onmessage = (event: MessageEvent<Notice>) => hear(event.data);
  return {
    tell: (notice) => channel.postMessage(JSON.parse(JSON.stringify(notice))),
    close: () => channel.close(),
  };
}
