import { cleanup, fireEvent, render, screen } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { api, NetworkError } from '$lib/api';
import { chosen } from '$lib/state/chosen.svelte';
import { DeviceFull, outbox, type Draft } from '$lib/state/outbox.svelte';
import { settings } from '$lib/state/settings.svelte';
import { message, outboxItem, room, settle } from '../testing/fixtures';
import Composer from './Composer.svelte';

let sent: Draft[];

beforeEach(() => {
  sent = [];
  vi.spyOn(outbox, 'add').mockImplementation(async (draft) => {
    sent.push(draft);
    return outboxItem();
  });
});
afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
  settings.set('sendKey', 'mod-enter');
});

async function compose(text: string, over = {}) {
  render(Composer, {
    room: room(over),
    replyTo: null,
    editing: null,
    ontyping: () => undefined,
    onsent: () => undefined,
  });
  const field = screen.getByTestId('composer-input') as HTMLTextAreaElement;
  await fireEvent.input(field, { target: { value: text } });
  return field;
}

test('Ctrl+Enter sends what is written and empties the field', async () => {
  const field = await compose('  避難所を開設しました。 ');
  await fireEvent.keyDown(field, { key: 'Enter', ctrlKey: true });
  await settle();
  expect(sent.map((draft) => draft.body.text)).toEqual(['避難所を開設しました。']);
  expect(field.value).toBe('');
});

test('an Enter that confirms a conversion never sends, whatever the setting and the browser', async () => {
  settings.set('sendKey', 'enter');
  const field = await compose('ひなん');
  await fireEvent.keyDown(field, { key: 'Enter', isComposing: true });
  await fireEvent.keyDown(field, { key: 'Enter', keyCode: 229 });
  // Safari: the composition has ended already when its Enter arrives.
  await fireEvent.compositionStart(field);
  await fireEvent.compositionEnd(field);
  await fireEvent.keyDown(field, { key: 'Enter' });
  expect(sent).toEqual([]);
  await settle();
  await fireEvent.keyDown(field, { key: 'Enter' });
  await settle();
  expect(sent).toHaveLength(1);
});

test('what the node would refuse is said before, and not sent', async () => {
  const field = await compose('鐘\u0007が鳴る');
  await fireEvent.keyDown(field, { key: 'Enter', ctrlKey: true });
  await settle();
  expect(sent).toEqual([]);
  expect(screen.getByTestId('composer-problem').textContent).toContain('制御文字が 1 個');
});

test('the text stays when it could not be kept safe', async () => {
  vi.spyOn(outbox, 'add').mockRejectedValue(new Error('no storage'));
  const field = await compose('大事な報告');
  await fireEvent.keyDown(field, { key: 'Enter', ctrlKey: true });
  await settle();
  expect(field.value).toBe('大事な報告');
  expect(screen.getByTestId('composer-problem').textContent).toContain('保存できなかった');
});

test('what is typed while the message is being kept safe is not lost', async () => {
  let kept: () => void = () => undefined;
  vi.spyOn(outbox, 'add').mockImplementation(
    () => new Promise((resolve) => (kept = () => resolve(outboxItem()))),
  );
  const field = await compose('一通目');
  await fireEvent.keyDown(field, { key: 'Enter', ctrlKey: true });
  await fireEvent.input(field, { target: { value: '一通目二通' } });
  kept();
  await settle();
  expect(field.value).toBe('二通');
});

test('a correction that is refused stays in the field', async () => {
  vi.spyOn(api.messages, 'edit').mockRejectedValue(new NetworkError('unreachable'));
  const editing = message({ text: '誤', my_own: true });
  render(Composer, {
    room: room(),
    replyTo: null,
    editing,
    ontyping: () => undefined,
    onsent: () => undefined,
  });
  const field = screen.getByTestId('composer-input') as HTMLTextAreaElement;
  await settle();
  expect(field.value).toBe('誤');
  await fireEvent.input(field, { target: { value: '正' } });
  await fireEvent.keyDown(field, { key: 'Enter', ctrlKey: true });
  await settle();
  expect(field.value).toBe('正');
});

test('pressing twice sends once', async () => {
  const field = await compose('一回だけ');
  await Promise.all([
    fireEvent.keyDown(field, { key: 'Enter', ctrlKey: true }),
    fireEvent.keyDown(field, { key: 'Enter', ctrlKey: true }),
  ]);
  await settle();
  expect(sent).toHaveLength(1);
});

test('a room for announcements takes nothing from its readers', () => {
  render(Composer, {
    room: room({ kind: 'announcement' }),
    replyTo: null,
    editing: null,
    ontyping: () => undefined,
    onsent: () => undefined,
  });
  expect(screen.queryByTestId('composer-input')).toBeNull();
  expect(screen.getByText('このルームは管理者だけが書けます。')).toBeTruthy();
});

describe('files', () => {
  const pdf = () => new File(['x'], '避難所一覧.pdf', { type: 'application/pdf' });
  afterEach(() => chosen.clear());

  const choose = async (files: File[]) => {
    const input = screen.getByTestId('attach-file') as HTMLInputElement;
    Object.defineProperty(input, 'files', { value: files, configurable: true });
    await fireEvent.change(input);
    await settle();
  };

  test('go without words, and leave the field empty', async () => {
    const field = await compose('');
    await choose([pdf()]);
    expect(screen.getByTestId('chosen-files').textContent).toContain('避難所一覧.pdf');
    await fireEvent.keyDown(field, { key: 'Enter', ctrlKey: true });
    await settle();
    expect(sent[0]?.files?.map((file) => file.name)).toEqual(['避難所一覧.pdf']);
    expect(screen.queryByTestId('chosen-files')).toBeNull();
  });

  test('that cannot be sent are named in a sentence, the others stay', async () => {
    await compose('');
    await choose([pdf(), new File(['x'], 'setup.exe'), new File([], '空.txt')]);
    const problem = screen.getByTestId('composer-problem').textContent;
    expect(problem).toContain('「setup.exe」はプログラムのため送れません。');
    expect(problem).toContain('「空.txt」は中身が空です。');
    expect(chosen.of('r-1')).toHaveLength(1);
  });

  test('the place is asked for with pictures alone, and is off', async () => {
    await compose('');
    await choose([pdf()]);
    expect(screen.queryByTestId('keep-place')).toBeNull();
    await choose([new File(['x'], '堤防.jpg', { type: 'image/jpeg' })]);
    const box = screen.getByTestId('keep-place') as HTMLInputElement;
    expect(box.checked).toBe(false);
    await fireEvent.click(box);
    expect(chosen.of('r-1').map((file) => file.keep_place)).toEqual([false, true]);
  });

  test('stay chosen when this device has no room for them', async () => {
    vi.spyOn(outbox, 'add').mockRejectedValue(new DeviceFull());
    const field = await compose('被害写真');
    await choose([pdf()]);
    await fireEvent.keyDown(field, { key: 'Enter', ctrlKey: true });
    await settle();
    expect(screen.getByTestId('composer-problem').textContent).toContain('空きが足りず');
    expect(chosen.of('r-1')).toHaveLength(1);
    expect(field.value).toBe('被害写真');
  });

  test('are pasted, but a copied table is its text', async () => {
    const field = await compose('');
    const clipboard = (types: string[]) => ({
      clipboardData: { files: [new File(['x'], 'image.png', { type: 'image/png' })], types },
    });
    await fireEvent.paste(field, clipboard(['text/plain', 'Files']));
    await settle();
    expect(chosen.of('r-1')).toHaveLength(0);
    await fireEvent.paste(field, clipboard(['Files']));
    await settle();
    expect(chosen.of('r-1')).toHaveLength(1);
  });
});
