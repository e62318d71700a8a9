// Builds the screens on invented data and shows them one by one to whoever looks.
import { execFileSync } from 'node:child_process';
import { openBrowser, serve, until } from './browser.js';

const FOLDER = '.svelte-kit/sample';
const REST_MS = 260;

export function buildSample() {
  const env = { ...process.env, BILLFOLD_UI: 'sample' };
  execFileSync('npx', ['vite', 'build', '--mode', 'sample', '--logLevel', 'error'], { env, stdio: ['ignore', 'ignore', 'inherit'] });
  execFileSync('node', ['scripts/outline.js', FOLDER, '--sample'], { stdio: 'inherit' });
}

/** Opens each screen in each theme and hands it over; ends the browser whatever happens. */
export async function eachScreen(screens, { themes = ['light', 'dark'], width = 1200, height = 800, lang = '' }, look) {
  const server = await serve(FOLDER);
  const browser = await openBrowser({ width, height });
  try {
    for (const theme of themes) {
      await browser.media({ 'prefers-color-scheme': theme, 'prefers-reduced-motion': 'reduce' });
      for (const screen of screens) {
        await browser.size(width, height);
        await show(browser, server.address, screen, lang);
        await look({ browser, screen, theme });
      }
    }
  } finally {
    await browser.close();
    server.close();
  }
}

async function show(browser, address, screen, lang) {
  const url = new URL(screen.path, address);
  if (screen.world) url.searchParams.set('world', screen.world);
  await browser.go(`${address}/blank`);
  await browser.run('localStorage.clear(); if (arguments[0]) localStorage.setItem("billfold.language", arguments[0])', lang);
  await browser.go(url.href);
  await until(browser, "document.querySelector('h1')");
  await rest();
  for (const step of screen.open ?? []) {
    await browser.run(step);
    await rest();
  }
  if (screen.wait) await until(browser, `document.querySelector(${JSON.stringify(screen.wait)})`);
  await rest();
}

const rest = () => new Promise((done) => setTimeout(done, REST_MS));
