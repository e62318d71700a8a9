import adapter from '@sveltejs/adapter-static';

// `sample` builds the screens on invented data, for pictures and for proving the content policy; never shipped.
const sample = process.env.BILLFOLD_UI === 'sample';
const pages = sample ? '.svelte-kit/sample' : 'build';

/** @type {import('@sveltejs/kit').Config} */
export default {
  compilerOptions: { runes: true },
  kit: {
    adapter: adapter({ pages, assets: pages, fallback: 'index.html', strict: true }),
    // One script and one sheet: they are read from the program itself, so a second file only costs a turn.
    output: { bundleStrategy: 'single' },
    alias: { $features: 'src/features' },
  },
};
