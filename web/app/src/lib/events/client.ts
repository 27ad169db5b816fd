// Keeps the event stream of the node alive: resumes from the last cursor, reconnects with jitter within three seconds,
// notices a silent line by ping, and falls back to server-sent events where something breaks WebSockets.
import { EVENT_TYPES, type ClientEvent, type ServerEvent } from './types';

export type Link = 'connecting' | 'open' | 'down';
/** What a plain request says while the stream is down. */
export type Probe = 'ok' | 'unauthorised' | 'unreachable';

export interface EventPorts {
  openSocket(path: string): WebSocket;
  openStream(path: string): EventSource;
  /** Asked after a failed attempt: is it the stream, the login or the node? */
  probe(): Promise<Probe>;
  onEvent(event: ServerEvent): void;
  /** The node now pushes everything new. @param resumed false when what happened in between must be fetched */
  onReady(resumed: boolean): void;
  onLink(link: Link): void;
  /** The node ended this login because the device or the person was stopped; it will not say so again. */
  onSuspended?(): void;
  random?: () => number;
}

const PATH = '/api/v1/events';
const FIRST_DELAY_MS = 250;
const MAX_DELAY_MS = 3000;
const PING_EVERY_MS = 15_000;
const PONG_WITHIN_MS = 6000;
const OPEN_WITHIN_MS = 6000;
const HELLO_WITHIN_MS = 1000;
const SOCKET_FAILURES_BEFORE_STREAM = 3;
/** The node has locked or ended this login; a plain request says which. */
const POLICY = 1008;
const SUSPENDED = 'suspended';
const OWN_CLOSE_CODES = 4000;

/** Exponential, capped, with jitter over the upper half. */
export function reconnectDelayMs(attempt: number, random: () => number = Math.random): number {
  const ceiling = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** attempt);
  return Math.round(ceiling / 2 + (random() * ceiling) / 2);
}

export class EventClient {
  #cursor: string | null = null;
  #running = false;
  #socket: WebSocket | null = null;
  #stream: EventSource | null = null;
  #attempt = 0;
  #socketFailures = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #heartbeat: ReturnType<typeof setTimeout> | undefined;
  #deadline: ReturnType<typeof setTimeout> | undefined;
  #opened = false;
  #ready = false;

  constructor(private readonly ports: EventPorts) {}

  get cursor(): string | null {
    return this.#cursor;
  }

  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#connect();
  }

  stop(): void {
    this.#running = false;
    clearTimeout(this.#retry);
    this.#drop();
  }

  /** The network came back or the page woke up: do not wait for the timer. */
  hurry(): void {
    if (!this.#running) return;
    if (this.#socket?.readyState === WebSocket.OPEN) this.#ping();
    else if (!this.#socket && !this.#stream) {
      clearTimeout(this.#retry);
      this.#connect();
    }
  }

  send(event: ClientEvent): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(event));
  }

  #connect(): void {
    this.#opened = false;
    this.#ready = false;
    this.ports.onLink('connecting');
    const query = this.#cursor === null ? '' : `?cursor=${encodeURIComponent(this.#cursor)}`;
    try {
      if (this.#socketFailures < SOCKET_FAILURES_BEFORE_STREAM) this.#openSocket(PATH + query);
      else this.#openStream(`${PATH}/stream${query}`);
    } catch {
      this.#failed();
      return;
    }
    this.#deadline = setTimeout(() => this.#failed(), OPEN_WITHIN_MS);
  }

  #openSocket(path: string): void {
    const socket = this.ports.openSocket(path);
    this.#socket = socket;
    const current = () => this.#socket === socket;
    socket.onopen = () => current() && this.#open();
    socket.onmessage = (message: MessageEvent<string>) => current() && this.#receive(message.data);
    socket.onerror = () => undefined;
    socket.onclose = (event) => {
      if (!current()) return;
      if (!this.#opened) this.#socketFailures++;
      this.#failed();
      // Not after the usual pause: what a stopped phone shows must go at once.
      if (event?.code === POLICY && event.reason === SUSPENDED) this.ports.onSuspended?.();
      else if (event?.code === POLICY || event?.code >= OWN_CLOSE_CODES) void this.ports.probe();
    };
  }

  #openStream(path: string): void {
    const stream = this.ports.openStream(path);
    this.#stream = stream;
    const current = () => this.#stream === stream;
    stream.onopen = () => current() && this.#open();
    // Named events and unnamed ones («message») carry the same object.
    for (const type of EVENT_TYPES)
      stream.addEventListener(type, (message) => {
        if (current()) this.#receive((message as MessageEvent<string>).data);
      });
    stream.onerror = () => {
      if (!current()) return;
      // Next time the socket gets a chance again.
      this.#socketFailures = SOCKET_FAILURES_BEFORE_STREAM - 1;
      this.#failed();
    };
  }

  #open(): void {
    clearTimeout(this.#deadline);
    this.#opened = true;
    this.#attempt = 0;
    if (this.#socket) this.#socketFailures = 0;
    this.ports.onLink('open');
    if (this.#socket) this.#schedulePing();
    this.#deadline = setTimeout(() => this.#becomeReady(), HELLO_WITHIN_MS);
  }

  /** At the greeting: from here on the node has us among its listeners, so what is fetched now misses nothing. */
  #becomeReady(): void {
    clearTimeout(this.#deadline);
    if (this.#ready) return;
    this.#ready = true;
    this.ports.onReady(this.#cursor !== null);
  }

  #receive(data: string): void {
    let event: ServerEvent;
    try {
      event = JSON.parse(data) as ServerEvent;
    } catch {
      return;
    }
    if (this.#socket) this.#schedulePing();
    if (event.type === 'hello') {
      this.#becomeReady();
      // On a resumed stream the head is ahead of the events still to come: taking it would skip them.
      this.#cursor ??= event.cursor ?? null;
    } else if (event.type === 'refetch') {
      this.#cursor = event.cursor ?? null;
    }
    this.ports.onEvent(event);
    // After the event was taken in, so that a crash in between fetches it again.
    if (event.cursor !== undefined && event.type !== 'hello') this.#cursor = event.cursor;
  }

  #schedulePing(): void {
    clearTimeout(this.#heartbeat);
    this.#heartbeat = setTimeout(() => this.#ping(), PING_EVERY_MS);
  }

  #ping(): void {
    this.send({ type: 'ping' });
    clearTimeout(this.#heartbeat);
    this.#heartbeat = setTimeout(() => this.#failed(), PONG_WITHIN_MS);
  }

  #failed(): void {
    this.#drop();
    if (!this.#running) return;
    this.ports.onLink('down');
    clearTimeout(this.#retry);
    this.#retry = setTimeout(
      () => void this.#retryNow(),
      reconnectDelayMs(this.#attempt++, this.ports.random),
    );
  }

  async #retryNow(): Promise<void> {
    // A browser does not say why a socket failed, so a plain request asks.
    const answer = this.#attempt > 1 ? await this.ports.probe() : 'ok';
    if (!this.#running || this.#socket || this.#stream) return;
    if (answer === 'unauthorised') this.stop();
    else if (answer === 'unreachable') {
      // The node is away, so the sockets that failed say nothing about WebSockets.
      this.#socketFailures = 0;
      this.#failed();
    } else this.#connect();
  }

  #drop(): void {
    clearTimeout(this.#heartbeat);
    clearTimeout(this.#deadline);
    const { socket, stream } = { socket: this.#socket, stream: this.#stream };
    this.#socket = null;
    this.#stream = null;
    socket?.close();
    stream?.close();
  }
}
