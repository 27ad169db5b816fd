import { cleanup, render, screen } from '@testing-library/svelte';
import { afterEach, expect, test } from 'vitest';
import { message } from '../testing/fixtures';
import MessageMarks from './MessageMarks.svelte';

afterEach(cleanup);

const show = (over: Parameters<typeof message>[0]) =>
  render(MessageMarks, { message: message(over), pinned: false, mentionsMe: false });

test('what misses a signature says so, with an explanation also for those who do not see it', () => {
  show({ urgent: true, unsigned: true });
  const mark = screen.getByTestId('mark-unsigned');
  expect(mark.textContent).toContain('本人署名なし');
  expect(mark.title).toContain('本人の端末による署名がありません');
  expect(mark.textContent).toContain(mark.title);
});

test('an ordinary message carries no mark, signed or not', () => {
  for (const signed of ['none', 'device'] as const) {
    const { container } = show({ signed });
    expect(container.querySelector('.marks')).toBeNull();
  }
});

test('a message that was taken back has nothing to be marked', () => {
  show({ unsigned: true, redacted: { by: { id: 'u', name: '佐藤' }, at: '2026-11-22T09:05:00+09:00' } });
  expect(screen.queryByTestId('mark-unsigned')).toBeNull();
});
