/**
 * Compares the pinned hashes of builds with new builds, or pins them again.
 *
 * In: optional --write, optional parts of names.  Out: the builds that differ, with the differing parts, and
 * exit code 1 if there are any; with --write test/golden/modules.json.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { builds } from '../test/golden/builds.ts';
import { isThere } from '../test/golden/models.ts';
import { type Hashes, hashesOf } from '../test/golden/run.ts';

const file = join(import.meta.dirname, '../test/golden/modules.json');
const args = process.argv.slice(2);
const write = args.includes('--write');
const parts = args.filter((arg) => !arg.startsWith('--'));
const pinned: Hashes = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
const wanted = builds.filter(
  ({ name, model }) => isThere(model) && (parts.length === 0 || parts.some((part) => name.includes(part))),
);
const started = performance.now();
const found = await hashesOf(wanted, (done) => {
  if (done % 50 === 0) console.log(`${done} of ${wanted.length}, ${((performance.now() - started) / 1000).toFixed(0)} s`);
});
let differ = 0;
for (const [name, hashes] of Object.entries(found)) {
  const other = Object.keys({ ...hashes, ...pinned[name] }).filter((part) => hashes[part] !== pinned[name]?.[part]);
  if (other.length === 0) continue;
  differ++;
  if (!write) console.log(`${name}: ${other.join(', ')}`);
}
console.log(`${wanted.length} builds, ${differ} differ`);
// in the order of the builds; builds that were not made now keep their hashes
const all = builds.map(({ name }): [string, Hashes[string]] => [name, found[name] ?? pinned[name] ?? {}]);
if (write)
  writeFileSync(
    file,
    `{\n${all.map(([name, hashes]) => `  ${JSON.stringify(name)}: ${JSON.stringify(hashes)}`).join(',\n')}\n}\n`,
  );
process.exitCode = differ > 0 && !write ? 1 : 0;
