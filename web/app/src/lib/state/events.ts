// What each event of the node changes in the page. State is patched; only «refetch» loads anything anew.
import type { Message, Room } from '$lib/api';
import type { ServerEvent } from '$lib/events/types';
import { t } from '$lib/i18n';
import { tellArrival } from '$lib/notify/arrivals';
import { node } from './node.svelte';
import { page } from './page.svelte';
import { peers } from './peers.svelte';
import { rooms } from './rooms.svelte';
import { session } from './session.svelte';
import { opened } from './timeline.svelte';
import { toasts } from './toasts.svelte';
import { typing } from './typing.svelte';

const idOf = (value: { id: string } | string): string => (typeof value === 'string' ? value : value.id);

/** An event is sent to many; whether a message is one's own is settled here. */
export const mine = (message: Message): Message => {
  const me = session.me?.user.id;
  return me === undefined ? message : { ...message, my_own: message.author.id === me };
};

export function applyEvent(event: ServerEvent, refetch: () => void): void {
  take(event, refetch);
  opened.current?.told(event.cursor);
}

function take(event: ServerEvent, refetch: () => void): void {
  switch (event.type) {
    case 'message':
      return newMessage(mine(event.message));
    case 'edited':
    case 'redacted':
    case 'reaction':
      return changedMessage(mine(event.message));
    case 'arrived':
      return opened.for(event.room)?.applyCounts(event.messages);
    case 'read':
      return someoneRead(event.room, idOf(event.user), event.message);
    case 'room':
      return changedRoom(event.room, event.removed ?? false);
    case 'document':
      return void rooms.fetch(event.room).catch(() => undefined);
    case 'peer':
      peers.apply(event.peer);
      return node.applyPeer(event.peer);
    case 'alert':
      void node.load().catch(() => undefined);
      return toasts.alert(t.alarm(event.code, event.text));
    case 'attachment':
      return opened.for(event.room)?.applyHeld(event);
    case 'typing':
      if (event.user.id !== session.me?.user.id) typing.saw(event.room, event.user);
      return;
    case 'refetch':
      return refetch();
    case 'hello':
    case 'pong':
      return;
  }
}

function newMessage(message: Message): void {
  typing.stopped(message.room, message.author.id);
  const timeline = opened.for(message.room);
  const known = timeline?.items.some((item) => item.id === message.id) ?? false;
  timeline?.apply(message);
  // What arrives late has its place further up, where nobody is looking.
  const onScreen = timeline !== null && timeline.atEnd && page.watched && !message.late;
  if (known) rooms.applyChange(message);
  else void rooms.applyMessage(message, onScreen);
  if (!known && !message.my_own && message.entry_kind === 'message' && !onScreen) tellArrival(message);
}

function changedMessage(message: Message): void {
  opened.for(message.room)?.replace(message);
  rooms.applyChange(message);
}

function someoneRead(room: string, user: string, message: string): void {
  if (user !== session.me?.user.id) return opened.for(room)?.countsChanged();
  // I read on another device or in another tab.
  if (rooms.get(room)?.my_read !== message) void rooms.fetch(room).catch(() => undefined);
}

function changedRoom(room: Room | string, removed: boolean): void {
  const id = idOf(room);
  if (removed) {
    rooms.remove(id);
    const timeline = opened.for(id);
    if (timeline) timeline.status = 'missing';
  } else if (typeof room === 'string') {
    void rooms.fetch(id).catch(() => undefined);
  } else {
    rooms.set(room);
  }
}
