// What can be done with a message: shown at once, taken back when the node refuses.
import { api, ApiError, sentence, type Message } from '$lib/api';
import { signEdit } from '$lib/device/signer';
import { t } from '$lib/i18n';
import { uuidv7 } from '$lib/ids/uuid';
import { confirm } from './confirm.svelte';
import { rooms } from './rooms.svelte';
import { session } from './session.svelte';
import { opened } from './timeline.svelte';
import { toasts } from './toasts.svelte';

const show = (message: Message): void => {
  opened.for(message.room)?.replace(message);
  rooms.applyChange(message);
};

async function optimistic(
  before: Message,
  after: Message,
  what: string,
  act: () => Promise<unknown>,
): Promise<boolean> {
  show(after);
  try {
    await act();
    return true;
  } catch (error) {
    show(before);
    toasts.error(`${t.actionFailed(what)} ${sentence(error)}`);
    return false;
  }
}

export function withReaction(
  message: Message,
  stamp: string,
  me: { id: string; name: string },
  on: boolean,
): Message {
  const others = message.reactions.map((reaction) =>
    reaction.stamp === stamp
      ? { ...reaction, users: reaction.users.filter((user) => user.id !== me.id) }
      : reaction,
  );
  if (on) {
    const known = others.find((reaction) => reaction.stamp === stamp);
    if (known) known.users = [...known.users, { id: me.id, name: me.name }];
    else others.push({ stamp, users: [{ id: me.id, name: me.name }] });
  }
  return { ...message, reactions: others.filter((reaction) => reaction.users.length > 0) };
}

export const messageActions = {
  reacted: (message: Message, stamp: string): boolean =>
    message.reactions.some(
      (r) => r.stamp === stamp && r.users.some((user) => user.id === session.me?.user.id),
    ),

  async toggleReaction(message: Message, stamp: string): Promise<void> {
    const me = session.me?.user;
    if (!me) return;
    const on = !messageActions.reacted(message, stamp);
    await optimistic(message, withReaction(message, stamp, me, on), t.actReact, () =>
      on
        ? api.messages.react(message.room, message.id, stamp)
        : api.messages.unreact(message.room, message.id, stamp),
    );
  },

  async edit(message: Message, text: string): Promise<boolean> {
    const after = { ...message, text, edited_at: new Date().toISOString() };
    return optimistic(message, after, t.actEdit, async () => show(await edited(message, text)));
  },

  async redact(message: Message): Promise<void> {
    const me = session.me?.user;
    const sure = await confirm.ask({
      title: t.redactTitle,
      text: t.redactText,
      confirm: t.redactConfirm,
      danger: true,
    });
    if (!sure || !me) return;
    const after: Message = {
      ...message,
      text: '',
      reactions: [],
      redacted: { by: { id: me.id, name: me.name }, at: new Date().toISOString() },
    };
    await optimistic(message, after, t.actRedact, () => api.messages.redact(message.room, message.id));
  },

  async togglePin(message: Message): Promise<void> {
    const pins = rooms.get(message.room)?.pins ?? [];
    const pinned = pins.includes(message.id);
    const next = pinned ? pins.filter((id) => id !== message.id) : [...pins, message.id];
    try {
      await rooms.change(message.room, { pins: next });
    } catch (error) {
      toasts.error(`${t.actionFailed(pinned ? t.actUnpin : t.actPin)} ${sentence(error)}`);
    }
  },

  async copy(message: Message): Promise<void> {
    const done = (await copyText(message.text)) ? toasts.info : toasts.error;
    done(done === toasts.info ? t.copied : t.copyFailed);
  },
};

/** Signed like the message itself, where this device can; a signature that the node does not take keeps nothing back. */
async function edited(message: Message, text: string): Promise<Message> {
  const author = session.me?.user.id;
  if (session.signing !== 'ready' || !author) return api.messages.edit(message.room, message.id, text);
  const id = uuidv7();
  const signature = await signEdit({ room: message.room, id, author }, message.id, text);
  try {
    return await api.messages.edit(
      message.room,
      message.id,
      text,
      signature === null ? null : { id, signature },
    );
  } catch (cause) {
    if (!(cause instanceof ApiError) || cause.code !== 'wrong_signature') throw cause;
    return api.messages.edit(message.room, message.id, text);
  }
}

/** The clipboard interface does not exist on plain http; the old command still works there. */
async function copyText(text: string): Promise<boolean> {
  try {
    if (navigator.clipboard) {
      await navigator.clipboard.writeText(text);
      return true;
    }
  } catch {
    // Refused: try the other way.
  }
  const area = document.createElement('textarea');
  area.value = text;
  area.className = 'visually-hidden';
  // Inside an open modal window only its own content can be selected.
  (document.querySelector('dialog[open]') ?? document.body).append(area);
  area.select();
  const copied = document.execCommand('copy');
  area.remove();
  return copied;
}
