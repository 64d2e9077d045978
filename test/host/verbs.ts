/**
 * Runs the command line several times in one process: argv[2] is JSON, a list of argument lists. A line names
 * each on both streams.
 */
import { main } from '../../host/cli/main.ts';

for (const args of JSON.parse(process.argv[2] as string) as string[][]) {
  await main(args);
  for (const stream of [process.stdout, process.stderr]) stream.write(`\n== ${args[0]}\n`);
}
process.exitCode = 0;
