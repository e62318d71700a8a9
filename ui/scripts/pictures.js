// Takes a picture of every screen and state: `node scripts/pictures.js [folder] [--only=home,bills] [--width=1200]
// [--height=800] [--theme=light] [--lang=de] [--whole]`. `--whole` grows the window until nothing scrolls.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSample, eachScreen } from './sample.js';
import { screens } from './screens.js';

const MOST_TALL = 3_000;

const options = Object.fromEntries(process.argv.slice(2).filter((one) => one.startsWith('--')).map((one) => one.slice(2).split('=')));
const folder = process.argv.slice(2).find((one) => !one.startsWith('--')) ?? '.svelte-kit/pictures';
const only = options.only?.split(',');
const width = Number(options.width ?? 1200);
const height = Number(options.height ?? 800);
const wanted = screens.filter((screen) => !only || only.some((name) => (name.endsWith('*') ? screen.name.startsWith(name.slice(0, -1)) : screen.name === name)));

mkdirSync(folder, { recursive: true });
if (!('built' in options)) buildSample();
const themes = options.theme ? [options.theme] : ['light', 'dark'];
await eachScreen(wanted, { themes, width, height, lang: options.lang ?? '' }, async ({ browser, screen, theme }) => {
  if ('whole' in options) {
    const grown = await browser.run(
      "if (document.querySelector('dialog[open]')) return 0; const c = document.querySelector('.content'); return c && getComputedStyle(c).overflowY === 'auto' ? c.scrollHeight + c.offsetTop : document.documentElement.scrollHeight",
    );
    await browser.size(width, Math.min(MOST_TALL, Math.max(height, grown)));
    await new Promise((done) => setTimeout(done, 150));
  }
  writeFileSync(join(folder, `${screen.name}-${theme}.png`), await browser.picture());
});
console.log(`${wanted.length * themes.length} pictures in ${folder}`);
