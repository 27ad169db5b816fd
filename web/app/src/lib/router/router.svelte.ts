// Navigation by the History API. Links are ordinary anchors; plain clicks on them are taken over in one place.
import { tick } from 'svelte';
import { parse, type Route } from './routes';

export { path, type Panel, type Route } from './routes';

class Router {
  route = $state.raw<Route>({ name: 'talk' });
  /** Grows with every navigation, so that the frame can move the focus. */
  visits = $state(0);

  start(): void {
    this.#read();
    addEventListener('popstate', () => this.#read());
    document.addEventListener('click', (event) => this.#click(event));
  }

  go(to: string, options: { replace?: boolean } = {}): void {
    if (to === location.pathname + location.search) return;
    if (options.replace) history.replaceState(null, '', to);
    else history.pushState({ inside: true }, '', to);
    this.#read();
  }

  /** Back where one came from, or to `fallback` when the app was opened here. */
  back(fallback: string): void {
    if ((history.state as { inside?: boolean } | null)?.inside) history.back();
    else this.go(fallback, { replace: true });
  }

  #read(): void {
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
