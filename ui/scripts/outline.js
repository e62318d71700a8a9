// Moves SvelteKit's inline start script into a file, because the content policy allows scripts from files only, and
// fails the build when anything inline, or any invented sample data, is left.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = process.argv[2] ?? 'build';
const sample = process.argv.includes('--sample');
const page = join(folder, 'index.html');

const html = readFileSync(page, 'utf8').replace(/<script>([\s\S]*?)<\/script>/g, (_, code) => {
  const name = `start.${createHash('sha256').update(code).digest('hex').slice(0, 8)}.js`;
  writeFileSync(join(folder, '_app', name), code);
  return `<script src="/_app/${name}"></script>`;
});
if (/<script(?![^>]*\ssrc=)/.test(html) || /\sstyle=|<style|\son[a-z]+=/.test(html)) {
  throw new Error(`${page} still has something inline, which the content policy forbids`);
}
writeFileSync(page, html);

for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || !entry.name.endsWith('.js')) continue;
  const code = readFileSync(join(entry.parentPath, entry.name), 'utf8');
  if (!sample && code.includes('Quillmere')) throw new Error(`${entry.name} holds sample data`);
}
