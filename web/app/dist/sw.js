// Keeps the app shell of one build, so that the page opens while the node is away. It never touches the API: data is
// the business of the page, and a stale answer about rooms would be a lie.
const BUILD = "326c837d1477";
const FILES = ["/","/assets/app.css","/assets/app.js","/icons/noroshi-180.png","/icons/noroshi-192.png","/icons/noroshi-512.png","/icons/noroshi-maskable-512.png","/icons/noroshi.svg","/manifest.webmanifest"];
const CACHE = `shell-${BUILD}`;
const NAVIGATION_TIMEOUT_MS = 3000;

self.addEventListener('install', (event) => {
  const fresh = FILES.map((file) => new Request(file, { cache: 'reload' }));
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(fresh)));
});

self.addEventListener('activate', (event) => {
  event.waitUntil(
    (async () => {
      for (const key of await caches.keys())
        if (key.startsWith('shell-') && key !== CACHE) await caches.delete(key);
      await self.clients.claim();
    })(),
  );
});

// The new version takes over only after the person asked for it.
self.addEventListener('message', (event) => {
  if (event.data === 'skipWaiting') self.skipWaiting();
});

/** `ignoreVary`: a response with `Vary: Origin` is otherwise not found for module scripts. */
const cached = (request) => caches.match(request, { ignoreVary: true, cacheName: CACHE });

async function navigate(request) {
  const timeout = new Promise((_, reject) => setTimeout(reject, NAVIGATION_TIMEOUT_MS));
  try {
    return await Promise.race([fetch(request), timeout]);
  } catch {
    return (await cached('/')) ?? fetch(request);
  }
}

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  const ours = request.method === 'GET' && url.origin === location.origin;
  if (!ours || url.pathname.startsWith('/api/')) return;
  if (request.mode === 'navigate') {
    if (/\.[a-z0-9]+$/i.test(url.pathname)) return;
    event.respondWith(navigate(request));
    return;
  }
  if (!FILES.includes(url.pathname)) return;
  event.respondWith(cached(request).then((hit) => hit ?? fetch(request)));
});

self.addEventListener('notificationclick', (event) => {
  event.notification.close();
  const path = event.notification.data?.path ?? '/';
  event.waitUntil(
    (async () => {
      const windows = await self.clients.matchAll({ type: 'window', includeUncontrolled: true });
      const open = windows[0];
      if (!open) return self.clients.openWindow(path);
      await open.focus();
      open.postMessage({ type: 'open', path });
    })(),
  );
});
