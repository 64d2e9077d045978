/**
 * Says at the end how much processor time a test file took, its child processes too (those that it waited
 * for): `  CPU:       12.3`.
 *
 * start.mjs loads it before each file. Linux alone counts the children.
 */
import { readFileSync, writeSync } from 'node:fs';
import process from 'node:process';
import { isMainThread } from 'node:worker_threads';

/** Seconds; /proc counts in hundredths. */
function seconds() {
  try {
    // after the name, which may have blanks: fields 14 to 17 are user, system, and both of the children
    const fields = readFileSync('/proc/self/stat', 'utf8').split(') ').pop().split(' ');
    return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / 100;
  } catch {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  }
}

// a process that the test forks loads this as well
if (isMainThread && Number(process.env.RUNLET_TEST_RUNNER) === process.ppid)
  process.on('exit', () => writeSync(1, `\n  CPU:       ${seconds().toFixed(1)}\n`));
