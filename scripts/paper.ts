/**
 * npm run paper: repeats the experiments of StreamiNNC that need no private data, and prints the paper's
 * figures beside ours.
 *
 * In: --quick for fewer seeds, windows and repetitions; --write to write docs/paper.md.  Out: the page. Cost:
 * a few minutes, one minute with --quick.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { boundsSection } from './paper/bounds.ts';
import { deviationsSection } from './paper/deviations.ts';
import { paddingSection } from './paper/padding.ts';
import { introduction, notReproduced } from './paper/remarks.ts';
import type { Options } from './paper/section.ts';
import { speedupSection } from './paper/speedup.ts';
import { theorySection } from './paper/theory.ts';
import { transientSection } from './paper/transient.ts';

const sections: ((options: Options) => string | Promise<string>)[] = [
  introduction,
  boundsSection,
  paddingSection,
  speedupSection,
  deviationsSection,
  transientSection,
  theorySection,
  notReproduced,
];

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { quick: { type: 'boolean' }, write: { type: 'boolean' } } });
  const quick = values.quick ?? false;
  if (quick && values.write) throw new Error('--write needs all seeds: remove --quick');
  const page: string[] = [];
  for (const make of sections) {
    const text = await make({ quick });
    page.push(text);
    process.stdout.write(`${text}\n`);
  }
  if (values.write) writeFileSync(join(import.meta.dirname, '..', 'docs', 'paper.md'), page.join('\n'));
}

await main();
