// Tells the person about a message that came while they were not looking at it.
import type { Message } from '$lib/api/types';
import { t } from '$lib/i18n';
import { path } from '$lib/router/routes';
import { gist } from '$lib/timeline/gist';
import { page } from '$lib/state/page.svelte';
import { rooms } from '$lib/state/rooms.svelte';
import { settings } from '$lib/state/settings.svelte';
import { show } from './notifications';
import { play } from './sound';

const MAX_TEXT = 120;

export function tellArrival(message: Message): void {
  if (settings.current.sound) void play(message.urgent);
  if (!settings.current.notifications || page.watched) return;
  const marks = `${message.drill ? t.drillMark : ''}${message.urgent ? t.urgentMark : ''}${message.late ? t.lateMark : ''}`;
  void show({
    title: t.notifyTitle(`${marks}${rooms.get(message.room)?.name ?? message.author.name}`),
    text: `${message.author.name}: ${[...gist(message)].slice(0, MAX_TEXT).join('')}`,
    path: path.room(message.room),
    tag: message.room,
  });
}
