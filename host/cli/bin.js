#!/usr/bin/env node
/**
 * The command `runlet`: checks Node, registers tsx (the sources are TypeScript), and hands over to main.ts.
 */
const [major] = process.versions.node.split('.');
if (Number(major) < 20) {
  console.error(`runlet needs Node 20 or newer, and this is ${process.version}.`);
  process.exit(2);
}
const { register } = await import('tsx/esm/api');
register();
const { main } = await import('./main.ts');
await main(process.argv.slice(2));
