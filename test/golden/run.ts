/**
 * Computes the hashes of builds, several in parallel.
 *
 * In: builds.  Out: hashes by name, in the order of the builds.
 */
import type { GoldenBuild } from './builds.ts';

export type Hashes = Record<string, Record<string, string>>;

/** Number of parallel builds: one compiles while others are planned and packed. */
const atOnce = 3;

export async function hashesOf(builds: readonly GoldenBuild[], onDone: (done: number) => void = () => {}): Promise<Hashes> {
  const found: Hashes = Object.fromEntries(builds.map(({ name }) => [name, {}]));
  const rest = [...builds];
  let done = 0;
  const work = async () => {
    for (let next = rest.shift(); next; next = rest.shift()) {
      found[next.name] = await next.hash();
      onDone(++done);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return found;
}
