// A message in a few words, for lists, notices and quotes: its text, or what is attached when there is none.
import type { Message } from '$lib/api/types';
import { isPicture } from '$lib/attachments/files';
import { t } from '$lib/i18n';

export function gist({ text, attachments }: Pick<Message, 'text' | 'attachments'>): string {
  if (text || attachments.length === 0) return text;
  const pictures = attachments.filter(({ mime }) => isPicture(mime)).length;
  if (pictures === attachments.length) return t.gistPictures(pictures);
  return attachments.length === 1 ? t.gistFile(attachments[0]!.name) : t.gistFiles(attachments.length);
}
