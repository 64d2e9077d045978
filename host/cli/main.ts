/**
 * The command line: finds the verb, loads only its file, and turns errors into exit codes.
 *
 * `runlet --help` loads no verb: names and descriptions are in verbs.ts. The default export of each
 * host/cli/<verb>.ts is a Verb.
 */
import { readFileSync } from 'node:fs';
import { RunletError } from '../../models/error.ts';
import { exitCodes, output, reportError } from '../command/args.ts';
import { nearest } from '../command/nearest.ts';
import { parse } from '../command/parse.ts';
import { coloursFor, columnsOf, guardStreams } from '../report/terminal.ts';
import { commandHelp, type Page, roadHelp, verbHelp } from './help.ts';
import { projectFile, withProject } from './project.ts';
import { loadVerb, verbs } from './verbs.ts';

const version = (): string => {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
};

const isHelp = (arg: string | undefined): boolean => arg === '--help' || arg === '-h';

function show(lines: (page: Page) => string[], stream: NodeJS.WriteStream = process.stdout): void {
  const page = { columns: columnsOf(stream) ?? 80, colours: coloursFor(stream) };
  stream.write(`${lines(page).join('\n')}\n`);
}

/** Checks that a verb exists. @throws RN741 */
function known(verb: string): string {
  if (Object.hasOwn(verbs, verb)) return verb;
  const meant = nearest(verb, Object.keys(verbs));
  throw new RunletError('RN741', {
    what: `there is no command ${verb}`,
    where: 'command line',
    why: meant ? undefined : `there are ${Object.keys(verbs).join(', ')}`,
    tryThis: meant ? `runlet ${meant}; runlet --help lists all commands` : 'runlet --help',
  });
}

async function help(verb: string | undefined): Promise<void> {
  if (verb === undefined || isHelp(verb)) return show((page) => commandHelp(version(), page));
  const loaded = await loadVerb(known(verb));
  show((page) => verbHelp(verb, loaded, page));
}

async function runVerb(verb: string, raw: string[]): Promise<void> {
  const end = raw.indexOf('--');
  if ((end < 0 ? raw : raw.slice(0, end)).some(isHelp)) return help(verb);
  const { args, run } = await loadVerb(known(verb));
  const { raw: whole, added } = withProject(verb, args, raw);
  if (added.length > 0) process.stderr.write(`${projectFile}: ${added.join(' ')}\n`);
  await run(parse(verb, whole, args));
}

async function command([verb, ...rest]: string[]): Promise<void> {
  if (verb === '--version' || verb === '-v') process.stdout.write(`${version()}\n`);
  else if (verb === 'help' || isHelp(verb)) await help(rest[0]);
  else if (verb !== undefined) await runVerb(verb, rest);
  else {
    show(roadHelp, process.stderr);
    process.exitCode = exitCodes.usage;
  }
}

/** Handles a closed pipe: a reader such as `head` may close it, which is no failure. */
function onOutputError(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE' && error.code !== 'ERR_STREAM_DESTROYED') throw error;
  output.closed = true;
}

/**
 * Runs the command line. Never throws: it prints errors and sets process.exitCode (args.ts).
 * @param argv the arguments after `node bin.js`.
 */
export async function main(argv: string[]): Promise<void> {
  guardStreams();
  process.stdout.off('error', onOutputError).on('error', onOutputError);
  try {
    await command(argv);
  } catch (error) {
    reportError(error, argv.includes('--json'));
  }
}
