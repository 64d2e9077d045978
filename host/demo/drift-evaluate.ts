/**
 * npm run eval:drift [-- DIR] [--hours N]: does the gateway's drift detection keep its promises?
 *
 * In: simulated people of har and ecg, clips in DIR/gsc12-test and records in DIR/mitdb-mlii (default DIR:
 * ../shared/data); networks of the zoo.  Out: false alarms in 25 hours of clean signal per model (N hours per
 * person); for each fault of drift-faults.ts its strength, how many people it was seen on and when, the
 * allowed time, the causes named; and the share of right causes. A part without its data is left out with a
 * notice.
 * Rule: a person's reference is an hour of that person's signal; the clean signal and the faults come after
 * it.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { append } from '../../models/lists.ts';
import { draws } from '../../models/xorshift.ts';
import { manifestFields } from '../command/load.ts';
import type { Reference } from '../learn/drift/reference.ts';
import { DriftWatch, referenceBlocks, type WatchEvent, type WatchOptions, warmUpBlocks } from '../learn/drift/watch.ts';
import { table } from '../report/table.ts';
import type { Session } from '../session/index.ts';
import { type Family, type Fault, faults } from './drift-faults.ts';
import { patient, room, type Source, walker } from './drift-signals.ts';
import { readRecords } from './ecg-records.ts';
import { type Clip, readClips } from './kws-clips.ts';
import { openSound, readFloat as readKws, toInt8 as toKwsInt8 } from './kws-model.ts';
import { openInt8, readFloat, root, toInt8, zooArray } from './zoo.ts';

const say = (text = '') => process.stdout.write(`${text}\n`);
const progress = (text: string) => process.stderr.write(`${text}\n`);
const [people, referenceS, allowedPerDay] = [4, 3600, 1];

/**
 * Pieces (hops) from one stretch that the model hears to the next, and pieces of a stretch. kws hears 4 of
 * every 32 seconds, or the evaluation would take an hour; the stretches count as one signal.
 */
const [outputEvery, heardPieces]: [Record<Family, number>, number] = [{ har: 100, ecg: 100, kws: 800 }, 100];

interface Subject {
  family: Family;
  rateHz: number;
  channels: number;
  session: Session;
  person(seed: number): Source;
  /** Signal of another person than that of the seed. */
  other(seed: number): Source;
}

/** A stream that is watched: its model runs, and its outputs are watched too. */
class Watched {
  watch: DriftWatch;
  #subject: Subject;
  #piece: number;
  #rest = 0;
  #heard = 0;

  constructor(subject: Subject, reference?: Reference, spanS = referenceS) {
    const { channels, rateHz, session } = subject;
    const blockTicks = Math.round((spanS * rateHz) / (warmUpBlocks + referenceBlocks));
    const options: WatchOptions = {
      ...{ inputs: [channels], outputs: session.manifest.outputs.map(({ elements }) => elements), valuesPerTick: [1] },
      ...{ blockTicks, blocksPerDay: (86_400 * rateHz) / blockTicks, perDay: allowedPerDay },
    };
    this.watch = new DriftWatch(options, reference);
    this.#subject = subject;
    this.#piece = session.hop;
    session.reset();
  }

  /** Feeds seconds of a source. @returns the first event of a kind, and when it came, in seconds */
  run(source: Source, seconds: number, wanted: WatchEvent['state']): { event: WatchEvent; s: number }[] {
    const { session, rateHz, channels, family } = this.#subject;
    const found: { event: WatchEvent; s: number }[] = [];
    const pieces = Math.floor((seconds * rateHz) / this.#piece + this.#rest);
    this.#rest += (seconds * rateHz) / this.#piece - pieces;
    for (let n = 1; n <= pieces; n++) {
      const isHeard = this.#heard++ % outputEvery[family] < heardPieces;
      const raw = source(this.#piece);
      const frames = family === 'kws' ? Int16Array.from(raw, (x) => Math.max(-32768, Math.min(32767, Math.round(x)))) : raw;
      if (isHeard) session.pushAll(frames, () => this.watch.output(session.manifest.outputs.map((_, o) => session.output(o))));
      this.watch.see(0, frames, channels);
      const event = this.watch.pass(this.#piece);
      if (event?.state === wanted) found.push({ event, s: (n * this.#piece) / rateHz });
      if (event?.state === 'begins' && wanted === 'begins' && seconds < 3600) return found;
    }
    return found;
  }
}

interface Clean {
  family: string;
  seed: number;
  hours: number;
  alarms: number;
  causes: string[];
  expected: number;
}
interface Seen {
  fault: Fault;
  minutes?: number;
  cause?: string;
}

/** Runs one person: reference, clean signal, then each fault on the signal that follows. */
function judgePerson(subject: Subject, seed: number, hours: number): { clean: Clean; seen: Seen[] } {
  const source = subject.person(seed);
  const first = new Watched(subject);
  first.run(source, 1.01 * referenceS, 'learned');
  const reference = first.watch.reference as Reference;
  const alarms = first.run(source, 3600 * hours, 'begins');
  const causes = alarms.map(({ event }) => (event.state === 'begins' ? event.cause : ''));
  const expected = reference.falseAlarmsPerDay;
  const clean = { family: subject.family, seed, hours, alarms: alarms.length, causes, expected };
  const blockS = reference.blockTicks / subject.rateHz;
  const seen = faults
    .filter(({ family }) => family === subject.family)
    .map((fault, i): Seen => {
      const draw = draws(1000 * seed + i);
      const watched = new Watched(subject, reference);
      watched.run(source, (3 + draw()) * blockS, 'begins');
      if (watched.watch.drift) return { fault };
      const made = fault.make({ source, draw, other: () => subject.other(seed) });
      const [alarm] = watched.run(made, 60 * fault.minutes, 'begins');
      return { fault, ...(alarm?.event.state === 'begins' && { minutes: alarm.s / 60, cause: alarm.event.cause }) };
    });
  return { clean, seen };
}

async function subjectsOf(folder: string): Promise<Subject[]> {
  const model = async (name: 'har' | 'ecg', file: string, calibration: string) => {
    const float = await readFloat(name, file);
    const int8 = toInt8(float, 8, zooArray(name, calibration).data as Float32Array);
    return (await openInt8(int8, { hop: 8 }, manifestFields(float))).session;
  };
  const found: Subject[] = [
    {
      ...{ family: 'har', rateHz: 50, channels: 6, session: await model('har', 'har-watch.onnx', 'calib-watch.npy') },
      ...{ person: (seed) => walker(seed), other: (seed) => walker(seed + 500) },
    },
    {
      ...{ family: 'ecg', rateHz: 180, channels: 1, session: await model('ecg', 'ecg.onnx', 'calib.npy') },
      ...{ person: (seed) => patient(seed), other: (seed) => patient(seed + 500) },
    },
  ];
  const clips = join(folder, 'gsc12-test');
  if (!existsSync(clips)) progress(`no clips at ${clips}: kws is left out`);
  else found.push(await kwsSubject(readClips(clips).filter(({ label }) => label > 0)));
  return found;
}

/** Rooms of the speakers of one fold; another speaker is the one with the most clips of the next fold. */
async function kwsSubject(clips: readonly Clip[]): Promise<Subject> {
  const { session } = await openSound(toKwsInt8(await readKws('kws.onnx')), { target: 'simd' });
  const ofFold = (fold: number) => clips.filter((clip) => clip.fold === fold % 5);
  const alone = (fold: number) => {
    const counts = new Map<string, Clip[]>();
    for (const clip of ofFold(fold)) counts.set(clip.speaker, [...(counts.get(clip.speaker) ?? []), clip]);
    return [...counts.values()].sort((a, b) => b.length - a.length)[0] as Clip[];
  };
  return {
    ...{ family: 'kws', rateHz: 16_000, channels: 1, session },
    ...{ person: (seed) => room(ofFold(seed), seed), other: (seed) => room(alone(seed + 1), seed + 500) },
  };
}

/** Clean records of real patients: half an hour each, the first half is the reference. */
async function realRecords(folder: string, ecg: Subject): Promise<void> {
  const path = join(folder, 'mitdb-mlii');
  if (!existsSync(path)) {
    progress(`no records at ${path}: they are left out`);
    return;
  }
  let [alarms, hours, drifted] = [0, 0, 0];
  const records = readRecords(path);
  for (const { signal } of records) {
    let at = 0;
    const source = (frames: number) => {
      at += frames;
      return signal.subarray(at - frames, at);
    };
    const spanS = signal.length / 2 / ecg.rateHz;
    const watched = new Watched(ecg, undefined, spanS);
    watched.run(source, 1.01 * spanS, 'learned');
    const found = watched.run(source, 0.98 * spanS, 'begins');
    alarms += found.length;
    hours += (0.98 * spanS) / 3600;
    if (found.length > 0) drifted++;
  }
  say(`\nreal records of ${records.length} patients, 15 minutes after a reference of 15 minutes: ${hours.toFixed(1)} hours, `);
  say(`${alarms} alarms, on ${drifted} records; rhythm and electrodes of these records do change`);
}

function report(clean: readonly Clean[], seen: readonly Seen[]): void {
  say(`clean signal after the reference; at most ${allowedPerDay} false alarm in 24 hours is needed\n`);
  const families = [...new Set(clean.map(({ family }) => family))];
  const cleanRows = families.map((family) => {
    const mine = clean.filter((one) => one.family === family);
    const [hours, alarms] = [mine.reduce((sum, c) => sum + c.hours, 0), mine.reduce((sum, c) => sum + c.alarms, 0)];
    const expected = mine.reduce((sum, c) => sum + (c.expected * c.hours) / 24, 0);
    const isMet = alarms <= (allowedPerDay * hours) / 24;
    return [family, mine.length, hours.toFixed(1), expected.toFixed(2), alarms, mine.flatMap((c) => c.causes).join(' '), isMet ? 'met' : 'not met']; // biome-ignore format: one line
  });
  say(table(cleanRows, { head: ['model', 'people', 'hours', 'at most, by the rule', 'false alarms', 'named', 'needed'] }));
  say(`\nmade faults, on ${people} people each\n`);
  const tried = faults.filter(({ family }) => families.includes(family));
  const rows = tried.map((fault) => {
    const mine = seen.filter((one) => one.fault === fault);
    const times = mine.flatMap(({ minutes }) => (minutes === undefined ? [] : [minutes]));
    const right = mine.filter(({ cause }) => cause === fault.cause).length;
    const named = [...new Set(mine.flatMap(({ cause }) => cause ?? []))].join(' ');
    const latest = times.length > 0 ? times.reduce((a, b) => Math.max(a, b)).toFixed(1) : '-';
    const isMet = times.length === mine.length;
    return [fault.family, fault.name, fault.strength, fault.minutes, `${times.length} of ${mine.length}`, latest, fault.cause, named, right, isMet ? 'met' : 'not met']; // biome-ignore format: one line
  });
  const head = ['model', 'fault', 'strength', 'allowed min', 'seen in time', 'latest min', 'cause', 'named', 'right', 'needed'];
  say(table(rows, { head }));
  const [all, found] = [seen.length, seen.filter(({ minutes }) => minutes !== undefined)];
  const right = found.filter(({ cause, fault }) => cause === fault.cause).length;
  const percent = (n: number, of: number) => `${((100 * n) / of).toFixed(1)} %`;
  const whole = rows.filter((row) => row.at(-1) === 'met').length;
  say(
    `\n${whole} of ${rows.length} faults were seen on all people in time; ${found.length} of ${all} trials (${percent(found.length, all)})`,
  );
  say(
    `right causes: ${right} of ${found.length} that were seen (${percent(right, found.length)}), ${percent(right, all)} of all; at least 80 % is needed`,
  );
}

async function main(): Promise<void> {
  const options = { hours: { type: 'string', default: '6.25' }, only: { type: 'string' } } as const;
  const { values, positionals } = parseArgs({ allowPositionals: true, options });
  const folder = positionals[0] ?? join(root, '..', 'shared', 'data');
  const [clean, seen]: [Clean[], Seen[]] = [[], []];
  const subjects = (await subjectsOf(folder)).filter(({ family }) => values.only === undefined || values.only === family);
  for (const subject of subjects)
    for (let seed = 1; seed <= people; seed++) {
      const found = judgePerson(subject, seed, Number(values.hours));
      clean.push(found.clean);
      append(seen, found.seen);
      progress(`${subject.family}, person ${seed}: ${found.clean.alarms} false alarms in ${values.hours} hours`);
    }
  report(clean, seen);
  const ecg = subjects.find(({ family }) => family === 'ecg');
  if (ecg) await realRecords(folder, ecg);
}

await main();
