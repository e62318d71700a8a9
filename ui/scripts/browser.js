// A browser for pictures and checks: serves a build under the shell's content policy and drives Chromium by WebDriver.
import { spawn } from 'node:child_process';
import { readFileSync, existsSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';

// The same policy as in src-tauri/tauri.conf.json; here the page may also ask its own server.
export const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self' ipc: http://ipc.localhost; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const types = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.json': 'application/json' };
const START_TRIES = 100;
const START_WAIT_MS = 100;

/** Serves a folder; every path that is no file gets the one page, as in the shell. */
export async function serve(folder) {
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url, 'http://here').pathname));
    if (path === '/blank') return void response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>blank</title>');
    const file = join(folder, path);
    const found = existsSync(file) && statSync(file).isFile() ? file : join(folder, 'index.html');
    response.writeHead(200, { 'content-type': types[extname(found)] ?? 'application/octet-stream', 'content-security-policy': POLICY });
    response.end(readFileSync(found));
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return { address: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}

/** One headless window. `BILLFOLD_CHROMEDRIVER` and `BILLFOLD_CHROMIUM` name other programs. */
export async function openBrowser({ width = 1200, height = 800 } = {}) {
  const port = 9515 + (process.pid % 1000);
  const driver = spawn(process.env.BILLFOLD_CHROMEDRIVER ?? 'chromedriver', [`--port=${port}`], { stdio: 'ignore', env: { ...process.env, TZ: 'America/New_York' } });
  const root = `http://127.0.0.1:${port}`;
  const call = async (method, path, body) => {
    const response = await fetch(`${root}${path}`, { method, body: body === undefined ? undefined : JSON.stringify(body) });
    const { value } = await response.json();
    if (!response.ok) throw new Error(`${path}: ${value.message}`);
    return value;
  };
  for (let tries = 0; ; tries += 1) {
    const up = await fetch(`${root}/status`).then((response) => response.ok, () => false);
    if (up) break;
    if (tries > START_TRIES) throw new Error('chromedriver did not start');
    await new Promise((done) => setTimeout(done, START_WAIT_MS));
  }
  const binary = process.env.BILLFOLD_CHROMIUM ?? (existsSync('/usr/bin/chromium') ? '/usr/bin/chromium' : undefined);
  const args = ['--headless=new', '--no-sandbox', '--disable-gpu', '--hide-scrollbars', '--lang=en-US', `--window-size=${width},${height}`];
  const { sessionId } = await call('POST', '/session', {
    capabilities: { alwaysMatch: { browserName: 'chrome', 'goog:chromeOptions': { ...(binary ? { binary } : {}), args }, 'goog:loggingPrefs': { browser: 'ALL' } } },
  });
  const at = `/session/${sessionId}`;
  const cdp = (cmd, params) => call('POST', `${at}/goog/cdp/execute`, { cmd, params });
  return {
    go: (url) => call('POST', `${at}/url`, { url }),
    run: (script, ...args) => call('POST', `${at}/execute/sync`, { script, args }),
    runAsync: (script, ...args) => call('POST', `${at}/execute/async`, { script, args }),
    size: (w, h, scale = 1) => cdp('Emulation.setDeviceMetricsOverride', { width: w, height: h, deviceScaleFactor: scale, mobile: false }),
    media: (features) => cdp('Emulation.setEmulatedMedia', { features: Object.entries(features).map(([name, value]) => ({ name, value })) }),
    picture: async () => Buffer.from(await call('GET', `${at}/screenshot`), 'base64'),
    /** What the page said on its console since the last time. */
    said: async () => (await call('POST', `${at}/se/log`, { type: 'browser' })).filter((line) => line.level === 'SEVERE' || line.level === 'WARNING'),
    close: async () => {
      await call('DELETE', at).catch(() => {});
      driver.kill();
    },
  };
}

/** Waits until an expression of the page is true. */
export async function until(browser, expression, most = 5_000) {
  const end = Date.now() + most;
  while (!(await browser.run(`return Boolean(${expression})`))) {
    if (Date.now() > end) throw new Error(`never true: ${expression}`);
    await new Promise((done) => setTimeout(done, 40));
  }
}
