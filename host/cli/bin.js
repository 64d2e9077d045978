#!/usr/bin/env node
/**
 * The command `runlet`: checks Node and hands over to main, compiled where it can be (scripts/prepare.mjs), else through tsx.
 * In a clone whose sources are newer than dist/ the sources run.
 */
import { existsSync, readdirSync, statSync } from 'node:fs';

const [major] = process.versions.node.split('.');
if (Number(major) < 20) {
  console.error(`runlet needs Node 20 or newer, and this is ${process.version}.`);
  process.exit(2);
}

const root = new URL('../../', import.meta.url);

/** Whether a source was changed after dist/ was made. */
function isStale() {
  const made = statSync(new URL('dist/package.json', root)).mtimeMs;
  return ['models', 'quant', 'assembly', 'host'].some((folder) => {
    const base = new URL(`${folder}/`, root);
    if (!existsSync(base)) return false;
    return readdirSync(base, { recursive: true, encoding: 'utf8' }).some(
      (name) =>
        name.endsWith('.ts') && !name.endsWith('.d.ts') && statSync(new URL(name.replaceAll('\\', '/'), base)).mtimeMs > made,
    );
  });
}

async function load() {
  const beside = new URL('main.js', import.meta.url);
  if (existsSync(beside)) return import(beside);
  const compiled = new URL('dist/host/cli/main.js', root);
  if (existsSync(compiled) && !isStale()) return import(compiled);
  const { register } = await import('tsx/esm/api');
  register();
  return import(new URL('main.ts', import.meta.url));
}

const { main } = await load();
await main(process.argv.slice(2));
