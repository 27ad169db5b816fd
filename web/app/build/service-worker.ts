// Emits /sw.js with the exact file list of this build, so that the shell opens without the node. No workbox: its
// dependency tree breaks `npm ci` here, and the job is thirty lines.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plugin } from 'vite';

/** Where the pages are that only some people open. They need the node anyway, so phones do not keep them. */
export const LATER = 'assets/later/';
const LATER_PAGES = /^(Administration|Personal|EraseDialog|KeyDialog|console)\b/;
/** Sources that belong to those pages alone. */
export const isLaterSource = (id: string): boolean =>
  /\/administration[/.-]|\/routes\/personal\/|\/uqr\//.test(id);
export const isLater = (chunk: string): boolean => LATER_PAGES.test(chunk);

/** Files of `public/`, which Vite copies itself and does not list in the bundle. */
function publicFiles(root: string, below = ''): string[] {
  return readdirSync(join(root, below), { withFileTypes: true }).flatMap((entry) => {
    const path = below ? `${below}/${entry.name}` : entry.name;
    return entry.isDirectory() ? publicFiles(root, path) : [path];
  });
}

/** @param source path of the service worker with the placeholders __BUILD__ and __FILES__ */
export function serviceWorker(source: string, publicDir: string): Plugin {
  return {
    name: 'noroshi-service-worker',
    apply: 'build',
    enforce: 'post',
    generateBundle(_options, bundle) {
      const hash = createHash('sha256');
      const built = Object.keys(bundle).sort();
      for (const file of built) {
        const output = bundle[file]!;
        hash.update(file).update(output.type === 'chunk' ? output.code : output.source);
      }
      const copied = publicFiles(publicDir).sort();
      for (const file of copied) hash.update(file).update(readFileSync(join(publicDir, file)));
      const code = readFileSync(source, 'utf8');
      hash.update(code);
      const kept = [...built, ...copied].filter((f) => f !== 'index.html' && !f.startsWith(LATER));
      const shell = ['/', ...kept.map((f) => `/${f}`)];
      this.emitFile({
        type: 'asset',
        fileName: 'sw.js',
        source: code
          .replace('__BUILD__', JSON.stringify(hash.digest('hex').slice(0, 12)))
          .replace('__FILES__', JSON.stringify(shell)),
      });
    },
  };
}
