// Navigation by the History API. Links are ordinary anchors; plain clicks on them are taken over in one place.
import { tick } from 'svelte';
import { parse, type Route } from './routes';

export { path, type AdministrationPage, type Panel, type PersonalPage, type Route } from './routes';

class Router {
  route = $state.raw<Route>({ name: 'talk' });
  /** Grows with every navigation, so that the frame can move the focus. */
  visits = $state(0);

  /** Asked before a page is left that holds what cannot be had again. False: stay. */
  mayLeave: (() => Promise<boolean>) | null = null;
  #at = '';

  start(): void {
    this.#read();
    addEventListener('popstate', () => void this.#popped());
    document.addEventListener('click', (event) => this.#click(event));
  }

  go(to: string, options: { replace?: boolean } = {}): void {
    if (to === location.pathname + location.search) return;
    if (this.mayLeave) void this.#leave().then((yes) => yes && this.#move(to, options));
    else this.#move(to, options);
  }

  #move(to: string, options: { replace?: boolean }): void {
    if (options.replace) history.replaceState(null, '', to);
    else history.pushState({ inside: true }, '', to);
    this.#read();
  }

  /** Back where one came from, or to `fallback` when the app was opened here. */
  back(fallback: string): void {
    if ((history.state as { inside?: boolean } | null)?.inside) history.back();
    else this.go(fallback, { replace: true });
  }

  async #leave(): Promise<boolean> {
    const yes = (await this.mayLeave?.()) ?? true;
    if (yes) this.mayLeave = null;
    return yes;
  }

  /** The browser has gone back already: the address is put back until the person has answered. */
  async #popped(): Promise<void> {
    if (this.mayLeave) {
      const to = location.pathname + location.search;
      history.pushState({ inside: true }, '', this.#at);
      if (!(await this.#leave())) return;
      return this.#move(to, { replace: true });
    }
    this.#read();
  }

  #read(): void {
    this.#at = location.pathname + location.search;
    this.route = parse(location.pathname, location.search);
    this.visits++;
  }

  #click(event: MouseEvent): void {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    const anchor = (event.target as Element | null)?.closest?.('a');
    if (!anchor || anchor.target || anchor.hasAttribute('download')) return;
    if (anchor.origin !== location.origin || anchor.pathname.startsWith('/api/')) return;
    if (anchor.hash && anchor.pathname === location.pathname) return;
    event.preventDefault();
    this.go(anchor.pathname + anchor.search);
  }
}

export const router = new Router();

/** After a navigation the focus goes to the heading of the new page, so that screen readers say where they are. */
export async function focusHeading(): Promise<void> {
  await tick();
  const heading = document.querySelector<HTMLElement>('[data-focus-heading]');
  heading?.focus({ preventScroll: true });
}
