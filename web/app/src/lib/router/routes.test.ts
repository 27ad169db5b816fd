import { describe, expect, test } from 'vitest';
import { parse, path } from './routes';

describe('addresses', () => {
  test('every address made here is understood here', () => {
    const room = 'r/1 室';
    const [pathname, search] = path.room(room, 'm?1').split('?');
    expect(parse(pathname!, `?${search}`)).toEqual({ name: 'room', room, panel: null, message: 'm?1' });
    expect(parse(path.members('r'))).toMatchObject({ name: 'room', room: 'r', panel: 'members' });
    expect(parse(path.about('r'))).toMatchObject({ panel: 'about' });
    expect(parse(path.receipts('r', 'm'))).toMatchObject({ panel: { receipts: 'm' } });
    expect(parse(path.talk())).toEqual({ name: 'talk' });
    expect(parse(path.peers())).toEqual({ name: 'peers' });
    expect(parse(path.settings())).toEqual({ name: 'settings' });
    expect(parse(path.help())).toEqual({ name: 'help' });
  });

  test("pages of the administration and one's own", () => {
    expect(parse(path.administration())).toEqual({ name: 'administration', page: null, id: null });
    expect(parse(path.administration('people', 'u/1'))).toEqual({
      name: 'administration',
      page: 'people',
      id: 'u/1',
    });
    expect(parse('/administration/nothing')).toEqual({ name: 'unknown' });
    expect(parse('/administration/people/u/more')).toEqual({ name: 'unknown' });
    expect(parse(path.personal('devices'))).toEqual({ name: 'personal', page: 'devices' });
    expect(parse('/settings/nothing')).toEqual({ name: 'unknown' });
  });

  test('slashes at the end do not matter, nonsense is unknown, broken escapes do not throw', () => {
    expect(parse('/peers/')).toEqual({ name: 'peers' });
    expect(parse('/rooms')).toEqual({ name: 'talk' });
    expect(parse('/rooms/r/nothing')).toEqual({ name: 'unknown' });
    expect(parse('/elsewhere')).toEqual({ name: 'unknown' });
    expect(parse('/rooms/%E0%A4%A')).toMatchObject({ name: 'room' });
  });
});
