/**
 * runlet collect labels: labels of collected windows into a file, from a file, or how far annotators agree.
 *
 * In: a client of a gateway, options.  Out: a CSV file, or tasks of Label Studio (host/remote/label-file.ts,
 * label-studio.ts); labels on the gateway; a summary on stdout.
 * Errors: RN720, RN740, RN874, RN893, and those of the gateway. A file is complete or not there.
 */
import { open, rename, rm, stat } from 'node:fs/promises';
import { RunletError } from '../../models/error.ts';
import { printable } from '../../models/printable.ts';
import { printJson } from '../command/args.ts';
import { fileOf, lineText } from '../command/remote.ts';
import { classNames } from '../learn/labels.ts';
import type { GatewayClient } from '../remote/client.ts';
import { csvHead, csvOf, maxCsvBytes, maxTaskBytes, readCsvLabels, tooLarge } from '../remote/label-file.ts';
import { readTasks, taskOf } from '../remote/label-studio.ts';
import { type Filter, fetched, listed } from '../remote/pull.ts';

interface LabelArgs extends Filter {
  slot: string;
  max: number;
  out?: string;
  import?: string;
  maxBytes: number;
  json?: boolean;
}

const batch = 200;
const isJson = (path: string): boolean => /\.json$/i.test(path);

function checkName(path: string, option: string): void {
  if (/\.(csv|json)$/i.test(path)) return;
  const why = 'the name tells the form: .csv, or .json for Label Studio';
  throw new RunletError('RN740', { what: `${option} needs a .csv or .json file`, where: path, why });
}

/** Yields the parts of a CSV file. */
async function* csvParts(client: GatewayClient, slot: string, count: { windows: number; labels: number }) {
  yield csvHead;
  for (let after = 0; ; ) {
    const page = await client.labels(slot, after);
    if (page.length === 0) return;
    after = (page.at(-1) as (typeof page)[number]).window;
    count.windows += page.length;
    for (const { labels } of page) count.labels += labels.length;
    yield page.map(({ window, labels }) => csvOf(labels.map((one) => ({ window, ...one })))).join('');
  }
}

/** Yields the parts of a JSON file, a task each. */
async function* taskParts(client: GatewayClient, args: LabelArgs, count: { windows: number; labels: number }) {
  const { signal } = await client.slot(args.slot);
  yield '[';
  for await (const window of fetched(client, args.slot, listed(client, args.slot, args), args.max)) {
    yield `${count.windows === 0 ? '' : ','}\n${JSON.stringify(taskOf(window, args.slot, signal?.sampleRateHz))}`;
    count.windows++;
    count.labels += window.labels.length;
  }
  yield '\n]\n';
}

async function save(client: GatewayClient, args: LabelArgs, out: string): Promise<void> {
  checkName(out, '--out');
  const count = { windows: 0, labels: 0 };
  const parts = isJson(out) ? taskParts(client, args, count) : csvParts(client, args.slot, count);
  const part = `${out}.part`;
  let bytes = 0;
  try {
    const file = await open(part, 'w');
    try {
      for await (const text of parts) {
        bytes += Buffer.byteLength(text);
        if (bytes > args.maxBytes) throw new RunletError('RN740', { what: 'the file becomes too large', where: `--max-bytes ${args.maxBytes}`, why: `it has more after ${count.windows} windows`, tryThis: '--labelled, --reason or --max for fewer windows' }); // biome-ignore format: one line
        await file.write(text);
      }
    } finally {
      await file.close();
    }
    await rename(part, out);
  } finally {
    await rm(part, { force: true });
  }
  if (args.json) return printJson({ file: out, ...count, bytes });
  process.stdout.write(lineText(['windows', `${count.windows}, with ${count.labels} labels`]));
  process.stdout.write(lineText(['file', out]));
}

async function load(client: GatewayClient, args: LabelArgs, path: string): Promise<void> {
  checkName(path, '--import');
  const limit = isJson(path) ? maxTaskBytes : maxCsvBytes;
  const { size } = await stat(path);
  if (size > limit) throw tooLarge(path, size, limit);
  const bytes = await fileOf(path);
  const { labels, skipped } = isJson(path) ? readTasks(bytes, path) : { labels: readCsvLabels(bytes, path), skipped: 0 };
  const { signal } = await client.slot(args.slot);
  const names = new Set(classNames(signal?.labels, signal?.outputs[0]?.elements));
  const unknown = new Set(labels.flatMap(({ label }) => (typeof label === 'string' && !names.has(label) ? [label] : [])));
  const total = { read: labels.length, stored: 0, missing: 0, full: 0, skipped };
  for (let at = 0; at < labels.length; at += batch) {
    const { stored, missing, full } = await client.putLabels(args.slot, labels.slice(at, at + batch));
    total.stored += stored;
    total.missing += missing;
    total.full += full;
  }
  if (args.json) return printJson({ file: path, ...total, unknownClasses: [...unknown] });
  const left = [
    total.missing > 0 && `${total.missing} of windows that the gateway does not have`,
    total.full > 0 && `${total.full} of windows with too many labels`,
    skipped > 0 && `${skipped} annotations without an answer`,
  ].filter(Boolean);
  process.stdout.write(lineText(['labels', `${total.stored} of ${labels.length} stored`]));
  if (left.length > 0) process.stdout.write(lineText(['left out', left.join(', ')]));
  const some = [...unknown].slice(0, 5).map((name) => printable(name));
  if (unknown.size > 0)
    process.stdout.write(lineText(['unknown', `${unknown.size} classes that the model does not have: ${some.join(', ')}. They count as "nothing of this".`])); // biome-ignore format: one line
}

async function show(client: GatewayClient, { slot, json }: LabelArgs): Promise<void> {
  const found = await client.agreement(slot);
  if (json) return printJson(found);
  const { windows, annotators, pairs, disputed } = found;
  process.stdout.write(lineText(['labelled', `${windows} windows; annotators differ on ${disputed}`]));
  for (const { annotator, answers, notSure, seconds, medianSeconds } of annotators) {
    const median = Number.isFinite(medianSeconds) && medianSeconds !== null ? `, median ${medianSeconds.toFixed(1)} s` : '';
    const text = `${printable(annotator)}: ${answers} answers, ${notSure} not sure, ${Math.round(seconds)} s${median}`;
    process.stdout.write(lineText(['annotator', text]));
  }
  for (const { annotators: both, windows: count, kappa, meanDifference } of pairs) {
    const how =
      meanDifference !== undefined
        ? `mean difference ${meanDifference.toPrecision(3)}`
        : kappa === undefined
          ? 'one answer only, no kappa'
          : `kappa ${kappa.toFixed(2)}`;
    process.stdout.write(lineText(['agreement', `${both.map(printable).join(' and ')}: ${how}, ${count} windows`]));
  }
}

/** @param given options on the command line. */
export async function labels(client: GatewayClient, args: LabelArgs, given: ReadonlySet<string>): Promise<void> {
  if (args.out !== undefined && args.import !== undefined)
    throw new RunletError('RN740', { what: 'labels go out or in', where: '--out and --import', tryThis: 'one of them' });
  const filters = ['reason', 'labelled', 'max'].find((name) => given.has(name));
  if (filters && !(args.out !== undefined && isJson(args.out)))
    throw new RunletError('RN740', { what: `--${filters} has no effect here`, where: `--${filters}`, why: 'a CSV file has all labels' }); // biome-ignore format: one line
  if (args.import !== undefined) return load(client, args, args.import);
  return args.out === undefined ? show(client, args) : save(client, args, args.out);
}
