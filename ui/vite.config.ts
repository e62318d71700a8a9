import { sveltekit } from '@sveltejs/kit/vite';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

// SvelteKit's announcer of page changes carries a style attribute, which the content policy forbids; base.css hides it.
function withoutInlineStyle(): Plugin {
  return {
    name: 'without-inline-style',
    enforce: 'pre',
    transform(code, id) {
      if (!id.endsWith('/generated/root.svelte') || !code.includes('svelte-announcer')) return null;
      return { code: code.replace(/(id="svelte-announcer"[^>]*?) style="[^"]*"/, '$1'), map: null };
    },
  };
}

// Tests see one zone wherever they run. A worker thread has its zone from this process; `test.env` comes too late for it.
if (process.env.VITEST) process.env.TZ = 'America/New_York';

export default defineConfig({
  plugins: [withoutInlineStyle(), sveltekit()],
  build: { target: ['es2022', 'safari17.5'], reportCompressedSize: false },
  server: { port: 1420, strictPort: true },
  resolve: process.env.VITEST ? { conditions: ['browser'] } : undefined,
  test: {
    environment: 'jsdom',
    include: ['src/**/*.test.ts'],
    setupFiles: ['src/lib/test/setup.ts'],
    // One window and one copy of the modules for all files; setup.ts puts back what a test changed.
    isolate: false,
    pool: 'threads',
    restoreMocks: true,
    // They run beside the flows, so that a slow one is not a wrong one.
    testTimeout: 60_000,
  },
});
