// Looks at every screen and state with axe and at the console: no accessibility finding, no breach of the content
// policy, nothing wider than the window, and nothing but the content scrolls.
// `node scripts/look.js [--only=home] [--width=1200] [--lang=de] [--built]`.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { buildSample, eachScreen } from './sample.js';
import { screens } from './screens.js';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const options = Object.fromEntries(process.argv.slice(2).map((one) => one.replace(/^--/, '').split('=')));
const only = options.only?.split(',');
const wanted = screens.filter((screen) => !only || only.some((name) => (name.endsWith('*') ? screen.name.startsWith(name.slice(0, -1)) : screen.name === name)));
const width = Number(options.width ?? 1200);
const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
let findings = 0;

if (!('built' in options)) buildSample();
await eachScreen(wanted, { width, height: Number(options.height ?? 800), lang: options.lang ?? '' }, async ({ browser, screen, theme }) => {
  const report = (text) => {
    findings += 1;
    console.error(`${screen.name} (${theme}): ${text}`);
  };
  await browser.run(axe);
  const violations = await browser.runAsync(
    `const done = arguments[arguments.length - 1];
     axe.run(document, { runOnly: arguments[0], resultTypes: ['violations'] }).then((found) => done(found.violations.map((one) => [one.id, one.nodes.map((node) => node.html.slice(0, 160) + ' ' + (node.any[0]?.message ?? '')).slice(0, 3)])), (error) => done([['axe', [String(error)]]]));`,
    tags,
  );
  for (const [id, nodes] of violations) report(`${id}\n    ${nodes.join('\n    ')}`);
  for (const line of await browser.said()) report(`console: ${line.message}`);
  const wide = await browser.run('return document.documentElement.scrollWidth - window.innerWidth');
  if (wide > 0) report(`${wide} px wider than the window`);
  const tall = await browser.run("const c = document.querySelector('.content'); return c && getComputedStyle(c).overflowY === 'auto' ? document.documentElement.scrollHeight - window.innerHeight : 0");
  if (tall > 0) report(`${tall} px taller than the window, beside its own scrolling`);
});
console.log(`${wanted.length} screens looked at in two themes, ${findings} findings`);
process.exitCode = findings === 0 ? 0 : 1;
