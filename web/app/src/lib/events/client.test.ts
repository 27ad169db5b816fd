import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { EventClient, reconnectDelayMs, type Link, type Probe } from './client';
import type { ServerEvent } from './types';

class FakeSocket {
  static all: FakeSocket[] = [];
  static get last(): FakeSocket {
    return FakeSocket.all.at(-1)!;
  }
  readyState = 0;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  onerror: (() => void) | null = null;
  sent: string[] = [];

  constructor(readonly path: string) {
    FakeSocket.all.push(this);
  }
  open() {
    this.readyState = 1;
    this.onopen?.();
  }
  hear(event: unknown) {
    this.onmessage?.({ data: typeof event === 'string' ? event : JSON.stringify(event) });
  }
  send(text: string) {
    this.sent.push(text);
  }
  close(code = 1006, reason = '') {
    if (this.readyState === 3) return;
    this.readyState = 3;
    this.onclose?.({ code, reason });
  }
}

class FakeStream {
  static all: FakeStream[] = [];
  onopen: (() => void) | null = null;
  onerror: (() => void) | null = null;
  listeners = new Map<string, (event: { data: string }) => void>();
  closed = false;
  constructor(readonly path: string) {
    FakeStream.all.push(this);
  }
  addEventListener(type: string, listener: (event: { data: string }) => void) {
    this.listeners.set(type, listener);
  }
  close() {
    this.closed = true;
  }
}

let events: ServerEvent[];
let links: Link[];
let ready: boolean[];
let probe: Probe;
let probes: number;
let suspended: number;
let client: EventClient;

beforeEach(() => {
  vi.useFakeTimers();
  FakeSocket.all = [];
  FakeStream.all = [];
  events = [];
  links = [];
  ready = [];
  probe = 'ok';
  probes = suspended = 0;
  client = new EventClient({
    openSocket: (path) => new FakeSocket(path) as unknown as WebSocket,
    openStream: (path) => new FakeStream(path) as unknown as EventSource,
    probe: async () => {
      probes++;
      return probe;
    },
    onSuspended: () => suspended++,
    onEvent: (event) => events.push(event),
    onReady: (resumed) => ready.push(resumed),
    onLink: (link) => links.push(link),
    random: () => 0,
  });
});
afterEach(() => {
  client.stop();
  vi.useRealTimers();
});

const peer = (cursor: string) => ({ cursor, type: 'typing', room: 'r', user: { id: 'u', name: 'U' } });

describe('resuming', () => {
  test('the first stream starts at the greeting, the next at the last event taken in', async () => {
    client.start();
    expect(FakeSocket.last.path).toBe('/api/v1/events');
    FakeSocket.last.open();
    FakeSocket.last.hear({ type: 'hello', cursor: '10', node: 'n' });
    expect(ready).toEqual([false]);
    FakeSocket.last.hear(peer('11'));
    FakeSocket.last.hear(peer('12'));
    FakeSocket.last.close();
    await vi.advanceTimersByTimeAsync(3000);
    expect(FakeSocket.last.path).toBe('/api/v1/events?cursor=12');
    FakeSocket.last.open();
    FakeSocket.last.hear({ type: 'hello', cursor: '40', node: 'n' });
    expect(ready).toEqual([false, true]);
  });

  test('the greeting of a resumed stream does not skip what is still to come', async () => {
    client.start();
    FakeSocket.last.open();
    FakeSocket.last.hear({ type: 'hello', cursor: '10' });
    FakeSocket.last.hear(peer('11'));
    FakeSocket.last.close();
    await vi.advanceTimersByTimeAsync(3000);
    FakeSocket.last.open();
    FakeSocket.last.hear({ type: 'hello', cursor: '99' });
    FakeSocket.last.close();
    await vi.advanceTimersByTimeAsync(3000);
    expect(FakeSocket.last.path).toBe('/api/v1/events?cursor=11');
  });

  test('an event that could not be taken in is asked for again', () => {
    client.start();
    FakeSocket.last.open();
    FakeSocket.last.hear({ type: 'hello', cursor: '10' });
    events.push = () => {
      throw new Error('our own bug');
    };
    expect(() => FakeSocket.last.hear(peer('11'))).toThrow();
    expect(client.cursor).toBe('10');
  });

  test('«refetch» takes its cursor, or starts anew', async () => {
    client.start();
    FakeSocket.last.open();
    FakeSocket.last.hear({ type: 'hello', cursor: '10' });
    FakeSocket.last.hear({ type: 'refetch', cursor: '50' });
    expect(client.cursor).toBe('50');
    FakeSocket.last.hear({ type: 'refetch' });
    expect(client.cursor).toBeNull();
    FakeSocket.last.close();
    await vi.advanceTimersByTimeAsync(3000);
    expect(FakeSocket.last.path).toBe('/api/v1/events');
    expect(events.filter((event) => event.type === 'refetch')).toHaveLength(2);
  });

  test('a node without a greeting is ready after a moment; nonsense is passed over', async () => {
    client.start();
    FakeSocket.last.open();
    FakeSocket.last.hear('not json');
    await vi.advanceTimersByTimeAsync(1100);
    expect(ready).toEqual([false]);
    expect(events).toEqual([]);
  });
});

describe('reconnecting', () => {
  test('is exponential with jitter and capped at three seconds', () => {
    expect(reconnectDelayMs(0, () => 1)).toBe(250);
    expect(reconnectDelayMs(2, () => 1)).toBe(1000);
    expect(reconnectDelayMs(20, () => 1)).toBe(3000);
    expect(reconnectDelayMs(20, () => 0)).toBe(1500);
  });

  test('a silent line is noticed by ping and pong', async () => {
    client.start();
    FakeSocket.last.open();
    const first = FakeSocket.last;
    await vi.advanceTimersByTimeAsync(15_000);
    expect(first.sent).toEqual(['{"type":"ping"}']);
    first.hear({ type: 'pong' });
    await vi.advanceTimersByTimeAsync(14_000);
    expect(links.at(-1)).toBe('open');
    await vi.advanceTimersByTimeAsync(1000 + 6000);
    expect(links).toContain('down');
    await vi.advanceTimersByTimeAsync(3000);
    expect(FakeSocket.all.length).toBeGreaterThan(1);
  });

  test('an attempt that never opens is given up', async () => {
    client.start();
    await vi.advanceTimersByTimeAsync(6100);
    expect(links).toContain('down');
    await vi.advanceTimersByTimeAsync(3000);
    expect(FakeSocket.all.length).toBeGreaterThan(1);
  });

  test('an ended login stops it', async () => {
    client.start();
    probe = 'unauthorised';
    FakeSocket.last.close();
    await vi.advanceTimersByTimeAsync(3000);
    FakeSocket.last.close();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(FakeSocket.all).toHaveLength(2);
  });

  test('hurry does not wait for the timer', () => {
    client.start();
    FakeSocket.last.close();
    client.hurry();
    expect(FakeSocket.all).toHaveLength(2);
  });
});

describe('where something breaks WebSockets', () => {
  test('server-sent events take over after three failures and resume too', async () => {
    client.start();
    FakeSocket.last.open();
    FakeSocket.last.hear({ type: 'hello', cursor: '7' });
    for (let i = 0; i < 4; i++) {
      FakeSocket.last.close();
      await vi.advanceTimersByTimeAsync(3000);
    }
    const stream = FakeStream.all[0]!;
    expect(stream.path).toBe('/api/v1/events/stream?cursor=7');
    stream.onopen?.();
    stream.listeners.get('message')!({ data: JSON.stringify(peer('8')) });
    expect(client.cursor).toBe('8');
    expect(links.at(-1)).toBe('open');
    stream.onerror?.();
    expect(stream.closed).toBe(true);
    await vi.advanceTimersByTimeAsync(3000);
    expect(FakeSocket.last.path).toBe('/api/v1/events?cursor=8');
  });

  test('a node that is away says nothing about WebSockets', async () => {
    probe = 'unreachable';
    client.start();
    for (let i = 0; i < 30; i++) {
      if (FakeSocket.last.readyState !== 3) FakeSocket.last.close();
      await vi.advanceTimersByTimeAsync(3000);
    }
    expect(FakeStream.all).toHaveLength(0);
    probe = 'ok';
    await vi.advanceTimersByTimeAsync(3000);
    FakeSocket.last.open();
    expect(links.at(-1)).toBe('open');
  });
});

describe('the node ends a login', () => {
  test('a stopped device is told at once and asks nothing more', () => {
    client.start();
    FakeSocket.last.open();
    FakeSocket.last.close(1008, 'suspended');
    expect([suspended, probes]).toEqual([1, 0]);
  });

  test.each([
    [4001, 'locked'],
    [1008, 'session_ended'],
  ])('after %i %s a plain request asks why, without waiting', (code, reason) => {
    client.start();
    FakeSocket.last.open();
    FakeSocket.last.close(code, reason);
    expect([suspended, probes]).toEqual([0, 1]);
  });

  test('a line that just broke is no ending', () => {
    client.start();
    FakeSocket.last.open();
    FakeSocket.last.close();
    expect([suspended, probes]).toEqual([0, 0]);
  });
});
