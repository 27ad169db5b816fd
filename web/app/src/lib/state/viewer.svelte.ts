// Which picture is open over the page, among those of the messages that are loaded.
import type { Attachment, Message } from '$lib/api';
import { isPicture } from '$lib/attachments/files';

export interface Picture {
  attachment: Attachment;
  author: string;
  sent_at: string;
}

/** Those that can be looked at here, in the order of the conversation. */
export const picturesOf = (messages: readonly Message[]): Picture[] =>
  messages.flatMap((message) =>
    message.redacted
      ? []
      : message.attachments
          .filter(({ mime, state }) => isPicture(mime) && state === 'here')
          .map((attachment) => ({ attachment, author: message.author.name, sent_at: message.sent_at })),
  );

class Viewer {
  pictures = $state.raw<Picture[]>([]);
  at = $state(0);

  get current(): Picture | null {
    return this.pictures[this.at] ?? null;
  }

  /** @param own the message whose picture was chosen: one file may be shown by several */
  open(messages: readonly Message[], own: Message, hash: string): void {
    const all = picturesOf(messages);
    const found = all.findIndex(
      ({ attachment, sent_at }) => attachment.hash === hash && sent_at === own.sent_at,
    );
    this.pictures = found < 0 ? picturesOf([own]) : all;
    const at = this.pictures.findIndex(
      ({ attachment, sent_at }) => attachment.hash === hash && sent_at === own.sent_at,
    );
    this.at = Math.max(0, at);
  }

  step(by: number): void {
    this.at = Math.max(0, Math.min(this.pictures.length - 1, this.at + by));
  }

  close(): void {
    this.pictures = [];
  }
}

export const viewer = new Viewer();
