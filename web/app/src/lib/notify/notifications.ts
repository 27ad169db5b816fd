// Notifications of the device, shown by this page while it is open. No push service: that would need the Internet.

export type Permission = 'unsupported' | 'default' | 'granted' | 'denied';

export const permission = (): Permission =>
  typeof Notification === 'undefined' || !globalThis.isSecureContext
    ? 'unsupported'
    : Notification.permission;

/** Only after a click. */
export async function askPermission(): Promise<Permission> {
  if (permission() !== 'default') return permission();
  return Notification.requestPermission();
}

export interface Note {
  title: string;
  text: string;
  path: string;
  /** A newer note of the same tag replaces the older one. */
  tag: string;
}

/** Through the service worker where there is one: `new Notification` throws on Android. */
export async function show({ title, text, path, tag }: Note): Promise<void> {
  if (permission() !== 'granted') return;
  const options: NotificationOptions = { body: text, tag, icon: '/icons/noroshi-192.png', data: { path } };
  try {
    const worker = await navigator.serviceWorker?.getRegistration();
    if (worker) return await worker.showNotification(title, options);
    const note = new Notification(title, options);
    note.onclick = () => {
      window.focus();
      note.close();
    };
  } catch {
    // Not possible here; sound, title and badge remain.
  }
}
