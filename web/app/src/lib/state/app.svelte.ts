// Wires the parts together: starts and stops them with the login, and brings everything up to date when the stream could
// not resume.
import { api, ApiError, NetworkError } from '$lib/api';
import { whenShut, whenUnauthorised } from '$lib/api/http';
import type { Credentials } from '$lib/api/session';
import { isIdle, lastActive, noteActivity, watchActivity } from '$lib/device/activity';
import { leaseAt } from '$lib/device/lease';
import { EventClient, type Probe } from '$lib/events/client';
import { cache } from '$lib/store/cache';
import { Drafts } from '$lib/store/drafts';
import { applyEvent, mine } from './events';
import { chosen } from './chosen.svelte';
import { guard } from './guard.svelte';
import { node } from './node.svelte';
import { outbox } from './outbox.svelte';
import { peers } from './peers.svelte';
import { rooms } from './rooms.svelte';
import { session } from './session.svelte';
import { opened } from './timeline.svelte';
import { viewer } from './viewer.svelte';

const NODE_EVERY_MS = 60_000;
const NODE_RETRY_MS = 2000;
const GUARD_EVERY_MS = 5000;
/** How often the node is asked for a longer lease while it is reachable. */
const LEASE_EVERY_MS = 5 * 60_000;

class App {
  drafts = $state.raw(new Drafts(''));
  /** Grows when drafts were loaded or changed enough for the room list to look again. */
  draftsSeen = $state(0);
  #running = false;
  #events: EventClient | null = null;

  async boot(): Promise<void> {
    guard.connect({
      hide: () => this.#hide(),
      resume: () => void this.#resume(),
      end: () => {
        void this.#knowNode();
        return session.end();
      },
    });
    whenUnauthorised(() => void this.#loseSession());
    whenShut((code) => {
      if (code === 'passcode_required') void this.#passcodeDue();
      else void guard.send({ type: 'refused', code });
    });
    watchActivity();
    setInterval(() => this.#guardTime(), GUARD_EVERY_MS);
    setInterval(() => void (node.link === 'open' && guard.open && session.refresh()), LEASE_EVERY_MS);
    addEventListener('online', () => this.#events?.hurry());
    addEventListener('pagehide', () => this.drafts.flush());
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'hidden') this.drafts.flush();
      else {
        this.#guardTime();
        this.#events?.hurry();
      }
    });
    setInterval(() => {
      if (document.visibilityState === 'visible' && node.link === 'open')
        void node.load().catch(() => undefined);
    }, NODE_EVERY_MS);
    void this.#knowNode();
    if (guard.state.kind === 'stopped') {
      session.status = 'anonymous';
      return;
    }
    await session.restore();
    if (session.status !== 'active') return;
    if (!session.confirmed && this.#lease.kind === 'over') return void guard.send({ type: 'lease-over' });
    await guard.send({
      type: 'started',
      passcode: session.terms.passcodeSet,
      lockedAtNode: session.me?.locked ?? false,
    });
    if (guard.open) await this.#start();
  }

  async logIn(credentials: Credentials): Promise<void> {
    await session.logIn(credentials);
    noteActivity();
    await guard.send({ type: 'logged-in' });
    void this.#knowNode();
    await this.#start();
  }

  async logOut(): Promise<void> {
    outbox.tellLogout();
    this.#stop();
    await session.logOut();
    await guard.send({ type: 'logged-in' });
    this.#forget();
  }

  /** Takes everything off the screen until the passcode is given. */
  lockNow(): void {
    void guard.send({ type: 'lock' });
  }

  typing(room: string): void {
    this.#events?.send({ type: 'typing', room });
  }

  noteDrafts(): void {
    this.draftsSeen++;
  }

  /** Until the stream is up there is nothing else that says whether the node is there. */
  async #knowNode(): Promise<void> {
    try {
      await node.load();
      if (session.status !== 'active') node.setLink('open');
    } catch (error) {
      // A refusal is an answer too.
      if (session.status !== 'active') node.setLink(error instanceof ApiError ? 'open' : 'down');
      if (error instanceof ApiError) return;
      setTimeout(() => void this.#knowNode(), NODE_RETRY_MS);
    }
  }

  /** The organisation wants a passcode since a moment ago: the app stops asking for anything and shows the page for it. */
  async #passcodeDue(): Promise<void> {
    await session.refresh();
    if (!session.passcodeDue) return;
    if (this.#running) this.#stop();
    node.setLink('open');
  }

  /** The passcode that the organisation wants has been set. */
  passcodeSet(): void {
    if (session.status === 'active' && guard.open) void this.#start();
  }

  async #start(): Promise<void> {
    if (this.#running) return;
    // The node would refuse everything; it has just answered, so it is there.
    if (session.passcodeDue) return node.setLink('open');
    this.#running = true;
    this.drafts = new Drafts(session.owner);
    void this.drafts.load().then(() => this.noteDrafts());
    void cache.persist();
    void rooms.loadCached();
    await outbox.start(session.owner, {
      sent: (message) => {
        const own = mine(message);
        opened.for(own.room)?.apply(own);
        void rooms.applyMessage(own, true);
      },
      loginNeeded: () => void this.#loseSession(),
      loggedOutElsewhere: () => location.reload(),
    });
    this.#events = new EventClient({
      openSocket: (at) => new WebSocket(location.origin.replace(/^http/, 'ws') + at),
      openStream: (at) => new EventSource(at),
      probe: () => this.#probe(),
      onEvent: (event) => applyEvent(event, () => void this.refetch()),
      onReady: (resumed) => this.#ready(resumed),
      onLink: (link) => node.setLink(link),
      // Which of the two it was the line does not say; on an enrolled device everything kept is one person's.
      onSuspended: () => {
        const code = session.me?.device.enrolled ? 'device_suspended' : 'user_suspended';
        void guard.send({ type: 'refused', code });
      },
    });
    this.#events.start();
  }

  get #lease() {
    return leaseAt(session.terms.leaseUntilMs, Date.now());
  }

  /** Idle lock and lease, by the clock. */
  #guardTime(): void {
    if (session.status !== 'active') return;
    const { passcodeSet, idleMinutes } = session.terms;
    if (passcodeSet && isIdle(idleMinutes, Date.now(), lastActive()))
      void guard.send({ type: 'idle', passcode: true });
    if (this.#lease.kind === 'over' && guard.state.kind !== 'stopped') void this.#askForLease();
  }

  /** The lease has run out here; only when the node does not answer either does the device lose what it keeps. */
  async #askForLease(): Promise<void> {
    try {
      await api.session.me();
    } catch (error) {
      if (error instanceof NetworkError) return guard.send({ type: 'lease-over' });
    }
    await session.refresh();
  }

  #hide(): void {
    if (this.#running) this.#stop();
    this.#forget();
  }

  async #resume(): Promise<void> {
    noteActivity();
    await session.refresh();
    if (session.status === 'active' && guard.open) await this.#start();
  }

  #ready(resumed: boolean): void {
    outbox.kick();
    void session.refresh();
    void node.load().catch(() => undefined);
    if (resumed) void opened.current?.flushRead();
    else void this.refetch();
  }

  /** Everything anew, once, because what happened in between is not known. */
  async refetch(): Promise<void> {
    await Promise.allSettled([
      rooms.load().then(() => opened.current?.refresh(this.anchor?.() ?? null)),
      peers.load(),
      node.load(),
    ]);
  }

  /** Set by the timeline on the screen: the message to stay at when everything is loaded anew. */
  anchor: (() => string | null) | null = null;

  async #probe(): Promise<Probe> {
    try {
      const me = await api.session.me();
      if (me.locked) void guard.send({ type: 'refused', code: 'locked' });
      return 'ok';
    } catch (error) {
      if (error instanceof ApiError) return error.status === 401 ? 'unauthorised' : 'ok';
      return 'unreachable';
    }
  }

  async #loseSession(): Promise<void> {
    if (session.status !== 'active') return;
    this.#stop();
    await session.lose();
    this.#forget();
    void this.#knowNode();
  }

  #stop(): void {
    this.#running = false;
    this.drafts.flush();
    this.#events?.stop();
    this.#events = null;
    outbox.stop();
  }

  /** Nothing of one person stays in the page for the next. */
  #forget(): void {
    opened.current?.close();
    opened.current = null;
    rooms.clear();
    peers.clear();
    chosen.clear();
    viewer.close();
  }
}

export const app = new App();
