import { fileURLToPath } from 'node:url';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';
import { isLater, isLaterSource, LATER, serviceWorker } from './build/service-worker.ts';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const node = process.env['NOROSHI_NODE'] ?? 'http://127.0.0.1:8470';

export default defineConfig({
  plugins: [svelte(), serviceWorker(here('./src/sw/worker.js'), here('./public'))],
  resolve: {
    alias: { $lib: here('./src/lib') },
    ...(process.env['VITEST'] ? { conditions: ['browser'] } : {}),
  },
  build: {
    target: ['es2022', 'edge120', 'chrome120', 'safari16.4'],
    modulePreload: { polyfill: false },
    // Nothing may become a data: URL, which `default-src 'self'` refuses.
    assetsInlineLimit: 0,
    rollupOptions: {
      output: {
        entryFileNames: 'assets/app.js',
        // One file of everything the first load needs: left to itself the bundler cuts it in two, which packs worse.
        codeSplitting: { groups: [{ name: 'shell', test: (id) => !isLaterSource(id) }] },
        // Pages fetched later carry a hash: after an update of the node an old page finds no file rather than a wrong one.
        chunkFileNames: `${LATER}[name]-[hash].js`,
        assetFileNames: ({ names: [name = ''] }) => {
          if (!name.endsWith('.css')) return 'assets/[name][extname]';
          return isLater(name) ? `${LATER}[name]-[hash].css` : 'assets/app.css';
        },
      },
    },
  },
  server: { proxy: { '/api': { target: node, ws: true } } },
  test: {
    environment: 'happy-dom',
    include: ['src/**/*.test.ts'],
    setupFiles: ['./src/test-setup.ts'],
  },
});
