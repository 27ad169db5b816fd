import { cleanup, fireEvent, render, screen } from '@testing-library/svelte';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { api, ApiError, type Me } from '$lib/api';
import { session } from '$lib/state/session.svelte';
import { settle, user } from '../testing/fixtures';
import PasswordForm from './PasswordForm.svelte';

const NEW = '海沿いの道を歩いて帰る犬が二匹';
let done: boolean[];

beforeEach(() => {
  done = [];
  session.me = {
    user: user(),
    roles: ['staff'],
    device: { id: 'd-1', enrolled: false },
    node: { id: 'n-kita', short: 'ef34ab', name: '北支所ノード', office: null },
    password: { initial: false, alone: true },
  } satisfies Me;
  vi.spyOn(session, 'refresh').mockResolvedValue();
});
afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
  session.me = null;
});

const field = (name: string) => screen.getByTestId(`password-${name}`) as HTMLInputElement;

async function submit(current: string, wanted: string, again = wanted) {
  for (const [name, value] of Object.entries({ current, wanted, again }))
    await fireEvent.input(field(name), { target: { value } });
  await fireEvent.submit(screen.getByTestId('password-form'));
  await settle();
}

const wrongField = () =>
  ['current', 'wanted', 'again'].filter((name) => field(name).getAttribute('aria-invalid') === 'true');

test('what the browser keeps is told apart, and shown only when asked for', async () => {
  render(PasswordForm, { ondone: (apart) => done.push(apart) });
  expect([field('current').autocomplete, field('wanted').autocomplete]).toEqual([
    'current-password',
    'new-password',
  ]);
  expect(field('wanted').type).toBe('password');
  await fireEvent.click(screen.getByTestId('password-show'));
  expect(field('wanted').type).toBe('text');
});

test('what cannot be right is said beside its field before the node is asked', async () => {
  const change = vi.spyOn(api.session, 'changePassword');
  render(PasswordForm, { ondone: (apart) => done.push(apart) });
  for (const [current, wanted, again, wrong] of [
    ['', NEW, NEW, 'current'],
    ['old', 'fourteen chars', 'fourteen chars', 'wanted'],
    [NEW, NEW, NEW, 'wanted'],
    ['old', NEW, `${NEW}。`, 'again'],
  ] as const) {
    await submit(current, wanted, again);
    expect(wrongField(), wrong).toEqual([wrong]);
    expect(document.activeElement).toBe(field(wrong));
  }
  expect(change).not.toHaveBeenCalled();
});

test('what the node refuses stands beside the field it is about', async () => {
  const refuse = (status: number, code: string) => new ApiError(status, code, '', `理由 ${code}`, null);
  const change = vi.spyOn(api.session, 'changePassword');
  render(PasswordForm, { ondone: (apart) => done.push(apart) });
  for (const [error, wrong] of [
    [refuse(403, 'wrong_password'), 'current'],
    [refuse(429, 'too_many'), 'current'],
    [refuse(422, 'password_too_common'), 'wanted'],
  ] as const) {
    change.mockRejectedValueOnce(error);
    await submit('old', NEW);
    expect(wrongField()).toEqual([wrong]);
    expect(screen.getByTestId('password-error').textContent).toContain(error.detail);
  }
  expect(done).toEqual([]);
});

test('a change says whether the key of an administrator came along', async () => {
  vi.spyOn(api.session, 'changePassword').mockResolvedValue({ key_apart: true });
  render(PasswordForm, { ondone: (apart) => done.push(apart) });
  await submit('old', NEW);
  expect(done).toEqual([true]);
  expect(api.session.changePassword).toHaveBeenCalledWith('old', NEW);
});
