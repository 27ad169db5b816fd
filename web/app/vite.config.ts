import { fileURLToPath } from 'node:url';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';
import { serviceWorker } from './build/service-worker.ts';

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
    cssCodeSplit: false,
    rollupOptions: {
      output: {
        entryFileNames: 'assets/app.js',
        chunkFileNames: 'assets/[name].js',
        assetFileNames: (asset) =>
          asset.names.some((n) => n.endsWith('.css')) ? 'assets/app.css' : 'assets/[name][extname]',
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
