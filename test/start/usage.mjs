/**
 * Prints at its end the processor time of a test file, with the child processes that it waited for.
 *
 * start.mjs loads it before each file. Children are counted only on Linux.
 */
import { readFileSync, writeSync } from 'node:fs';
import process from 'node:process';
import { isMainThread } from 'node:worker_threads';

/** Returns the processor time in seconds; /proc counts in hundredths. */
function seconds() {
  try {
    // after the name, which may contain blanks; fields 14 to 17 are user and system time, own and of children
    const fields = readFileSync('/proc/self/stat', 'utf8').split(') ').pop().split(' ');
    return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / 100;
  } catch {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  }
}

// a process that the test forks also loads this file
if (isMainThread && Number(process.env.RUNLET_TEST_RUNNER) === process.ppid)
  process.on('exit', () => writeSync(1, `\n  CPU:       ${seconds().toFixed(1)}\n`));
