import { cleanup, fireEvent, render, screen } from '@testing-library/svelte';
import { afterEach, expect, test, vi } from 'vitest';
import { api, type Attachment } from '$lib/api';
import { gist } from '$lib/timeline/gist';
import { opened, Timeline } from '$lib/state/timeline.svelte';
import { picturesOf, viewer } from '$lib/state/viewer.svelte';
import { attachment, message, settle } from '../../testing/fixtures';
import Attachments from './Attachments.svelte';
import PictureViewer from './PictureViewer.svelte';

afterEach(() => {
  cleanup();
  viewer.close();
  opened.current = null;
  vi.restoreAllMocks();
});

const pdf = (over: Partial<Attachment> = {}) =>
  attachment({
    hash: 'cd'.repeat(32),
    name: '避難所一覧.pdf',
    mime: 'application/pdf',
    width: null,
    height: null,
    ...over,
  });

const show = (attachments: Attachment[], onopen = vi.fn()) => {
  const shown = message({ attachments });
  render(Attachments, { message: shown, tabindex: 0, onopen });
  return { shown, onopen };
};

test('a picture has its alt text and its place before it is loaded, and opens', async () => {
  const thumbnail = 'data:image/jpeg;base64,AAAA';
  const { shown, onopen } = show([attachment({ thumbnail })]);
  const picture = screen.getByRole('img');
  expect(picture.getAttribute('alt')).toBe('田中 美咲 さんの写真「堤防.jpg」');
  expect([picture.getAttribute('width'), picture.getAttribute('height')]).toEqual(['1600', '1200']);
  await fireEvent.click(screen.getByTestId('picture'));
  expect(onopen).toHaveBeenCalledWith(shown, 'ab'.repeat(32));
});

test('a file that is here can be taken, with its size and sort', () => {
  show([pdf({ size: 1_200_000 })]);
  const link = screen.getByTestId('file-download');
  expect(link.getAttribute('href')).toBe(`/api/v1/attachments/${'cd'.repeat(32)}`);
  expect(link.getAttribute('download')).toBe('避難所一覧.pdf');
  expect(screen.getByTestId('file').textContent).toContain('1.1 MB');
});

test('what is elsewhere is asked for, shows how far it is, and is let be again', async () => {
  const timeline = new Timeline('r-1');
  timeline.items = [message({ attachments: [pdf({ state: 'elsewhere', held_bytes: 0, size: 2048 })] })];
  opened.current = timeline;
  vi.spyOn(api.attachments, 'want').mockResolvedValue({ state: 'coming', held_bytes: 1024, size: 2048 });
  vi.spyOn(api.attachments, 'unwant').mockResolvedValue(undefined);
  const view = render(Attachments, { message: timeline.items[0]!, tabindex: 0, onopen: vi.fn() });
  expect(screen.getByTestId('attachment-elsewhere').textContent).toContain('この拠点にはまだありません');
  expect(screen.queryByTestId('file-download')).toBeNull();
  await fireEvent.click(screen.getByTestId('attachment-want'));
  await settle();
  await view.rerender({ message: timeline.items[0]! });
  expect(screen.getByTestId('attachment-coming').textContent).toContain('1.0 KB/2.0 KB');
  await fireEvent.click(screen.getByRole('button', { name: /取り寄せをやめる/ }));
  await settle();
  expect(timeline.items[0]?.attachments[0]?.state).toBe('elsewhere');
});

test('what was erased says so and offers nothing', () => {
  show([attachment({ state: 'erased' }), pdf({ state: 'erased' })]);
  expect(screen.queryByTestId('picture')).toBeNull();
  expect(screen.queryByTestId('file-download')).toBeNull();
  expect(screen.getAllByText(/消去されました/)).toHaveLength(2);
});

test('a message without words is named by what it brings', () => {
  expect(gist(message({ text: '', attachments: [attachment(), attachment()] }))).toBe('写真 2 枚');
  expect(gist(message({ text: '', attachments: [pdf()] }))).toBe('ファイル「避難所一覧.pdf」');
  expect(gist(message({ text: '', attachments: [pdf(), attachment()] }))).toBe('添付 2 個');
  expect(gist(message({ text: '至急', attachments: [pdf()] }))).toBe('至急');
});

test('the viewer goes through the pictures of the conversation that are here', async () => {
  const one = message({ id: 'm-1', attachments: [attachment({ hash: '1', name: '1.jpg' }), pdf()] });
  const gone = message({ id: 'm-2', attachments: [attachment({ hash: '2', state: 'elsewhere' })] });
  const two = message({
    id: 'm-3',
    sent_at: '2026-11-22T09:06:00+09:00',
    attachments: [attachment({ hash: '3', name: '3.jpg' })],
  });
  expect(picturesOf([one, gone, two]).map(({ attachment }) => attachment.hash)).toEqual(['1', '3']);
  viewer.open([one, gone, two], two, '3');
  expect(viewer.at).toBe(1);
  HTMLDialogElement.prototype.showModal ??= vi.fn();
  render(PictureViewer);
  const dialog = screen.getByTestId('picture-viewer');
  expect(dialog.getAttribute('aria-label')).toBe('写真 2/2');
  await fireEvent.keyDown(dialog, { key: 'ArrowRight' });
  expect(viewer.at).toBe(1);
  await fireEvent.keyDown(dialog, { key: 'ArrowLeft' });
  expect(dialog.getAttribute('aria-label')).toBe('写真 1/2');
  await fireEvent.keyDown(dialog, { key: '+' });
  const picture = dialog.querySelector('img')!;
  expect(picture.style.transform).toContain('scale(1.5)');
  expect(picture.getAttribute('src')).toBe('/api/v1/attachments/1?inline=true');
  await fireEvent.click(screen.getByTestId('viewer-close'));
  expect(viewer.current).toBeNull();
});
