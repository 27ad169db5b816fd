// Installing the app and taking over a new version, both only when the person asks.

interface InstallPrompt extends Event {
  prompt(): Promise<unknown>;
}

class Install {
  /** Set when a new version is loaded and waits for consent. */
  waiting = $state.raw<ServiceWorker | null>(null);
  #prompt = $state.raw<InstallPrompt | null>(null);
  installed = $state(globalThis.matchMedia?.('(display-mode: standalone)').matches ?? false);

  get offered(): boolean {
    return this.#prompt !== null;
  }

  get possible(): boolean {
    return globalThis.isSecureContext && 'serviceWorker' in navigator;
  }

  async start(open: (path: string) => void): Promise<void> {
    addEventListener('beforeinstallprompt', (event) => {
      event.preventDefault();
      this.#prompt = event as InstallPrompt;
    });
    addEventListener('appinstalled', () => {
      this.#prompt = null;
      this.installed = true;
    });
    if (!this.possible || !import.meta.env.PROD) return;
    navigator.serviceWorker.addEventListener(
      'message',
      (event: MessageEvent<{ type?: string; path?: string }>) => {
        if (event.data?.type === 'open' && event.data.path) open(event.data.path);
      },
    );
    try {
      const registration = await navigator.serviceWorker.register('/sw.js', { updateViaCache: 'none' });
      this.#watch(registration);
    } catch {
      // Without it the app works while the node is reachable.
    }
  }

  #watch(registration: ServiceWorkerRegistration): void {
    const offer = (worker: ServiceWorker | null) => {
      if (worker && navigator.serviceWorker.controller) this.waiting = worker;
    };
    offer(registration.waiting);
    registration.addEventListener('updatefound', () => {
      const worker = registration.installing;
      worker?.addEventListener('statechange', () => {
        if (worker.state === 'installed') offer(worker);
      });
    });
    setInterval(() => void registration.update().catch(() => undefined), 60 * 60_000);
  }

  async install(): Promise<void> {
    await this.#prompt?.prompt();
    this.#prompt = null;
  }

  update(): void {
    navigator.serviceWorker.addEventListener('controllerchange', () => location.reload(), { once: true });
    this.waiting?.postMessage('skipWaiting');
  }
}

export const install = new Install();
