/**
 * Installs a bundle on a gateway: upload, trial, verdict. Shared by `flash` and `recalibrate`.
 *
 * In: a client, the bundle's bytes, options of the trial.  Out: the trial's report and the slot's state; one
 * line of text per step, unless the command prints JSON; progress on stderr.
 * Errors: RN865 if the trial is lost, and those of the gateway. A failed trial is returned as an error.
 */
import { basename } from 'node:path';
import { RunletError } from '../../models/error.ts';
import { bytesText } from '../bytes-text.ts';
import { coloursFor } from '../command/args.ts';
import { flagOn, type Given, group, number } from '../command/options.ts';
import { lineText, slotLines } from '../command/remote.ts';
import type { SlotStatus } from '../gateway/gateway.ts';
import type { TrialReport } from '../gateway/hub/events.ts';
import type { TrialOptions } from '../gateway/hub/trial.ts';
import type { GatewayClient, Progress } from '../remote/client.ts';
import { emptyLine, rawStream } from '../report/terminal.ts';

const pollMs = 150;
const ms = (n: number): string => `${n < 10 ? n.toFixed(2) : n.toFixed(0)} ms`;

/** Options of the trial on a gateway. */
export const trialArgs = group('Trial on a gateway', {
  outputs: number('Number of live outputs that the trial waits for (default 8)', { min: 1, whole: true }),
  seconds: number('Maximum duration of the live trial (default 30)', { min: 0, max: 86_400, hint: 's' }),
  agreement: number('Minimum share of outputs that must agree with the running bundle, 0 to 1', {
    min: 0,
    max: 1,
    hint: 'share',
  }),
  maxDifference: number('Maximum difference of a real output value from the running bundle', { min: 0, hint: 'x' }),
  latencyMs: number('Maximum average time of a hop (default: half of its duration in the signal)', { min: 0, hint: 'ms' }),
});

export const confirmArg = group('Confirmation', {
  confirm: flagOn(
    'Confirm the bundle after it has passed its trial',
    'Do not confirm: runlet status --confirm does it later, runlet rollback discards the bundle',
  ),
});

export const trialOf = (args: Given<typeof trialArgs> & { confirm: boolean }): Partial<TrialOptions> => {
  const { outputs, seconds, agreement, maxDifference, latencyMs, confirm } = args;
  const options = { outputs, seconds, agreement, maxDifference, latencyMs, confirm };
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
};

/** Shows a progress bar if stderr is a terminal. */
async function barOf(total: number) {
  const { stderr } = process;
  if (!stderr.isTTY) return { seen: () => {}, stop: () => {} };
  const { SingleBar } = (await import('cli-progress')).default;
  const bar = new SingleBar({
    format: 'upload      [{bar}] {percentage} % of {total} bytes',
    barCompleteChar: '=',
    barIncompleteChar: ' ',
    barsize: 32,
    stream: rawStream(stderr),
    clearOnComplete: true,
    gracefulExit: false,
  });
  bar.start(total, 0);
  return { seen: (received: number) => bar.update(received), stop: () => bar.stop() };
}

/** Prints a line to stderr each time the connection breaks. */
const brokeText =
  (total: number): Progress['broke'] =>
  ({ at, why, failed, tries, waitMs }) => {
    const clear = emptyLine(process.stderr);
    const text = `interrupted at ${at} of ${total} bytes (${why}); retry ${failed} of ${tries} in ${waitMs / 1000} s`;
    process.stderr.write(`${clear}${lineText(['upload', text])}`);
  };

export const checkText = ({ check }: Pick<TrialReport, 'check'>): string =>
  check
    ? `${check.goldenOutputs} outputs equal those of the build; ${check.hops} hops, ${ms(check.meanMs)} each, p99 ${ms(check.p99Ms)}`
    : 'not reached';

function liveText({ outputs, streams, compared, agreement, maxDifference, meanMs }: TrialReport): string {
  if (streams === 0) return 'no stream runs in this slot, so there was no live trial';
  const same = compared > 0 ? `; ${(100 * (agreement ?? 0)).toFixed(1)} % agree, largest difference ${maxDifference}` : '';
  return `${outputs} outputs on ${streams} stream${streams > 1 ? 's' : ''}${same}${meanMs === undefined ? '' : `; ${ms(meanMs)} per hop`}`;
}

/** Waits until the trial ends; shows its progress on a terminal. @throws RN865 */
async function watch(client: GatewayClient, slot: string, digest: string, confirm: boolean): Promise<TrialReport> {
  const { stderr } = process;
  for (;;) {
    const { report } = await client.slot(slot);
    if (!report || report.digest !== digest) throw lost(slot);
    const ended = ['confirmed', 'failed', ...(confirm ? [] : ['passed'])].includes(report.phase);
    if (ended) {
      stderr.write(emptyLine(stderr));
      return report;
    }
    const text =
      report.phase === 'check' ? 'self-test' : `${report.outputs} of ${report.wanted} outputs, ${report.compared} compared`;
    if (stderr.isTTY) stderr.write(`${emptyLine(stderr)}${coloursFor(stderr).dim(`trial       ${text}`)}`);
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

const lost = (slot: string): RunletError =>
  new RunletError('RN865', {
    what: 'the trial was lost',
    where: `slot ${slot}`,
    why: 'the gateway was restarted, or another bundle was flashed',
    tryThis: 'see what runs with runlet status',
  });

export type Say = (name: string, text: string) => void;

/** Prints lines to stdout; nothing if the command prints JSON. */
export const sayOf =
  ({ json }: { json?: boolean }): Say =>
  (name, text) =>
    void (json || process.stdout.write(lineText([name, text])));

/** Shows the progress of an upload on stderr. `stop` ends it. */
export async function uploadProgress(total: number): Promise<{ progress: Progress; stop: () => void }> {
  const bar = await barOf(total);
  return { progress: { seen: bar.seen, broke: brokeText(total) }, stop: bar.stop };
}

interface Installing {
  /** Name of the bundle's file, for people. */
  file: string;
  slot: string;
  confirm: boolean;
  options: Partial<TrialOptions>;
}

/** Uploads a bundle and waits for the end of its trial. `failure`: it failed and was reverted. */
export async function install(
  client: GatewayClient,
  bytes: Uint8Array,
  { file, slot, confirm, options }: Installing,
  say: Say,
): Promise<{ report: TrialReport; status: SlotStatus; failure?: RunletError }> {
  const { progress, stop } = await uploadProgress(bytes.length);
  const { staged } = await client.flash(bytes, slot, progress).finally(stop);
  say('upload', `${basename(file)}: ${bytesText(bytes.length)}, sha256 ${staged.digest.slice(0, 12)}…`);
  say('verified', aboutText(staged));
  await client.try(slot, options);
  const report = await watch(client, slot, staged.digest, confirm);
  if (report.check) say('self-test', checkText(report));
  if (report.check && report.failure?.code !== 'RN832') say('live', liveText(report));
  const status = await client.slot(slot);
  say(report.phase === 'failed' ? 'reverted' : report.phase, verdictText(report));
  for (const line of slotLines(status).filter(([name]) => name === 'running' || name === 'previous')) say(...line);
  if (!report.failure) return { report, status };
  const failure = new RunletError(report.failure.code, {
    what: `${staged.name} ${staged.version} failed its trial and was reverted`,
    where: `slot ${slot}`,
    why: report.failure.why,
    tryThis: `runlet explain ${report.failure.code}`,
  });
  return { report, status, failure };
}

export const aboutText = ({
  name,
  version,
  sequence,
  keyId,
}: {
  name: string;
  version: string;
  sequence: number;
  keyId?: string;
}) =>
  `${name} ${version}, sequence ${sequence}, ${keyId ? `signed by ${keyId}` : 'NOT SIGNED (the gateway accepts unsigned bundles)'}`;

function verdictText({ phase, failure, streams }: TrialReport): string {
  if (failure) return `${failure.code} ${failure.why}`;
  if (phase === 'passed') return 'waits for runlet status --confirm; runlet rollback discards it';
  return streams > 0 ? 'swapped in without losing an output' : 'it runs from the next frame on';
}
