/**
 * Runs several command lines in one process: argv[2] is JSON, a list of argument lists. After each one, a
 * line with its verb is written to both streams.
 */
import { main } from '../../host/cli/main.ts';

for (const args of JSON.parse(process.argv[2] as string) as string[][]) {
  await main(args);
  for (const stream of [process.stdout, process.stderr]) stream.write(`\n== ${args[0]}\n`);
}
process.exitCode = 0;
