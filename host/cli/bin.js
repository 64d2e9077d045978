#!/usr/bin/env node
/**
 * The command `runlet`: checks the version of Node, and starts main: compiled (scripts/prepare.mjs) if
 * possible, else through tsx. In a clone whose sources are newer than dist/, the sources run.
 */
import { existsSync, readdirSync, statSync } from 'node:fs';

const [major] = process.versions.node.split('.');
if (Number(major) < 20) {
  console.error(`runlet needs Node 20 or newer; this is ${process.version}.`);
  process.exit(2);
}

const root = new URL('../../', import.meta.url);

/** Checks whether a source was changed after dist/ was built. */
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

/** Returns the address of main, compiled or not. */
async function findMain() {
  const sibling = new URL('main.js', import.meta.url);
  if (existsSync(sibling)) return sibling;
  const compiled = new URL('dist/host/cli/main.js', root);
  if (existsSync(compiled) && !isStale()) return compiled;
  const { register } = await import('tsx/esm/api');
  register();
  return new URL('main.ts', import.meta.url);
}

const [verb, ...args] = process.argv.slice(2);
const found = await findMain();
// loads the compiler in parallel for the commands that need it
if (['build', 'make'].includes(verb) && args.length > 0 && !args.includes('--help'))
  (await import(new URL('../../assembly/emit/asc-thread.mjs', found))).ascThread();
const { main } = await import(found);
await main(process.argv.slice(2));
