/**
 * Gates between models that listen: the same outputs while open as without a gate, on rows and on sound, in
 * pieces of any length; hold time, chains, detectors, refusals.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { buildFrontEnd } from '../../assembly/build-front-end.ts';
import {
  LabelDetector,
  Listener,
  type ListeningModel,
  type ModelGate,
  openSession,
  withGates,
} from '../../host/session/index.ts';
import { makeFrontEnd } from '../../models/frontend/parameters.ts';
import { presetParameters } from '../../models/frontend/presets.ts';
import { codeOf, randomOf } from './helpers.ts';
import { tinyBundle } from './tiny-bundle.ts';

const { wasm: frontEndWasm } = await buildFrontEnd(makeFrontEnd(presetParameters('log-mel')));
const openRows = () => openSession(frontEndWasm as BufferSource);

/** Loud and quiet noise in turn, each for about a quarter of a second. */
const random = randomOf(5);
const sound = Int16Array.from({ length: 64000 }, (_, n) => (random(65536) - 32768) * ((n >> 12) & 1 ? 0.7 : 0.01));

const rowWasm = (await tinyBundle({ channels: 40, hostType: 'int8', scale: 1 / 256, zeroPoint: -128 })) as BufferSource;

const gate = (part: Partial<ModelGate> = {}): ModelGate => ({
  by: 'cheap',
  output: 0,
  element: 3,
  threshold: 0,
  orEqual: false,
  holdMs: 90,
  ...part,
});

const labels = Array.from({ length: 40 }, (_, i) => `c${i}`);

interface Output {
  timeMs: number;
  bytes: string;
  value: number;
}

/** Runs the models and returns the outputs of each, and the detections. */
function run(
  models: ListeningModel[],
  pieces: () => number,
): { outputs: Record<string, Output[]>; heard: string[]; listener: Listener } {
  const outputs: Record<string, Output[]> = Object.fromEntries(models.map(({ name }) => [name, []]));
  const heard: string[] = [];
  const listener = new Listener(models, 16000, {
    output({ name, session }, timeMs) {
      outputs[name]?.push({
        timeMs,
        bytes: Buffer.from(session.outputRaw()).toString('hex'),
        value: session.output()[3] as number,
      });
    },
    heard: ({ name }, { timeMs }) => heard.push(`${name} ${timeMs}`),
  });
  for (let at = 0, take = 0; at < sound.length; at += take) {
    take = pieces();
    listener.push(sound.subarray(at, at + take));
  }
  return { outputs, heard, listener };
}

/** Returns the times at which a gate with this threshold and hold is open, among `times`. */
const openAt = (gates: Output[], times: number[], threshold: number, holdMs: number) =>
  times.filter((t) => {
    const known = gates.filter(({ timeMs }) => timeMs <= t);
    const passed = known.filter(({ value }) => value > threshold).at(-1);
    return (known.at(-1)?.value ?? threshold) > threshold || (passed !== undefined && t - passed.timeMs <= holdMs);
  });

async function pair(given?: ModelGate): Promise<ListeningModel[]> {
  const frontEnd = await openRows();
  const model = async (name: string) => ({ name, frontEnd, session: await openSession(rowWasm), labels });
  return [{ ...(await model('dear')), ...(given && { gate: given }) }, await model('cheap')];
}

/** A threshold between the values of loud and of quiet sound. */
const always = run(await pair(), () => 64000).outputs;
const values = (always.cheap ?? []).map(({ value }) => value).sort((a, b) => a - b);
const threshold =
  ((values[Math.floor(values.length / 4)] as number) + (values[Math.floor((3 * values.length) / 4)] as number)) / 2;

test('while the gate is open, a model on rows gives the outputs of one without a gate', async () => {
  const times = (always.dear ?? []).map(({ timeMs }) => timeMs);
  for (const holdMs of [0, 90, 1e6]) {
    const open = openAt(always.cheap ?? [], times, threshold, holdMs);
    assert.ok(open.length > 10 && (holdMs > 1000 || open.length < times.length - 10), `${open.length} of ${times.length}`);
    for (const pieces of [() => 64000, () => 1 + random(700)]) {
      const models = await pair(gate({ threshold, holdMs }));
      const { outputs, listener } = run(models, pieces);
      assert.equal(
        outputs.dear,
        (always.dear ?? []).filter(({ timeMs }) => open.includes(timeMs)),
        `hold ${holdMs}`,
      );
      assert.equal(outputs.cheap, always.cheap, 'the gate itself does not change');
      const count = listener.sleepOf(models[0] as ListeningModel);
      assert.is(count?.frames, listener.rowsOf(models[0]?.frontEnd as never).outputs);
      assert.is(count?.wanted, open.length);
      assert.is(count?.keptBytes, 8 * 40);
      if (holdMs < 1000) assert.ok((count?.framesRun ?? 0) < (count?.frames ?? 0) && (count?.opened ?? 0) >= 5);
    }
  }
});

test('a threshold of >= opens at the value itself, and the default hold is the window of the gated model', async () => {
  const value = values.at(-1) as number;
  const only = await pair(gate({ threshold: value, orEqual: true, holdMs: 0 }));
  const { listener } = run(only, () => 64000);
  assert.ok((listener.sleepOf(only[0] as ListeningModel)?.wanted ?? 0) > 0);
  const never = await pair(gate({ threshold: value, holdMs: 0 }));
  assert.is(
    run(never, () => 64000).listener.sleepOf(never[0] as ListeningModel)?.framesRun,
    0,
    'a gate that stays closed costs nothing',
  );
  const { holdMs: _, ...rest } = gate({ threshold });
  const byDefault = run(await pair(rest), () => 64000).outputs.dear;
  assert.equal(byDefault, run(await pair(gate({ threshold, holdMs: 80 })), () => 64000).outputs.dear, '8 rows of 10 ms');
});

test('a model on samples sleeps too, and a chain of gates closes from the front', async () => {
  const [, cheap] = (await pair()) as [ListeningModel, ListeningModel];
  const session = await openSession(frontEndWasm as BufferSource);
  const direct: ListeningModel = { name: 'direct', session };
  const plain = run([cheap, direct], () => 64000).outputs;
  const [, again] = (await pair()) as [ListeningModel, ListeningModel];
  const sleeping = { name: 'direct', session: await openRows(), gate: gate({ threshold, holdMs: 0 }) };
  const chained = { name: 'last', session: await openRows(), gate: gate({ by: 'direct', threshold: -1, holdMs: 0 }) };
  const models = [chained, sleeping, again];
  const { outputs, listener } = run(models, () => 1 + random(900));
  const times = (plain.direct ?? []).map(({ timeMs }) => timeMs);
  const open = openAt(plain.cheap ?? [], times, threshold, 0);
  assert.ok(open.length > 10 && open.length < times.length);
  assert.equal(
    outputs.direct,
    (plain.direct ?? []).filter(({ timeMs }) => open.includes(timeMs)),
  );
  assert.equal(outputs.last, outputs.direct, 'the value of a model that sleeps does not keep a gate open');
  assert.is(listener.sleepOf(sleeping)?.keptBytes, 2 * 400, 'samples are kept as int16');
  listener.reset();
  const before = listener.sleepOf(sleeping)?.frames;
  listener.push(sound.subarray(0, 3000));
  assert.is(listener.sleepOf(sleeping)?.frames, (before ?? 0) + 3000);
});

test('the detector of a gated model hears what it hears without sleep and with voice where the gate is open', async () => {
  const heard: string[][] = [];
  const detector = { cutoff: threshold, slidingWindow: 3, refractoryMs: 100, output: 0, label: 'c3' };
  for (const voice of [false, true]) {
    const [dear, cheap] = (await pair(voice ? undefined : gate({ threshold, holdMs: 0 }))) as [ListeningModel, ListeningModel];
    dear.detector = new LabelDetector({ ...dear.session.manifest, labels, detector }, 40);
    if (voice)
      cheap.detector = new LabelDetector(
        { ...cheap.session.manifest, labels, detector: { ...detector, slidingWindow: 1, voice: true } },
        40,
      );
    heard.push(run([dear, cheap], () => 64000).heard);
  }
  assert.ok((heard[0]?.length ?? 0) > 2);
  assert.equal(heard[0], heard[1]);
});

test('events tell when a gate opens and closes, each row, and the outputs that a wake-up computes for the detector', async () => {
  const models = withGates(await pair(), `dear=cheap:c3>${threshold} for 0 ms`);
  const [dear] = models as [ListeningModel];
  const detector = { cutoff: 1, slidingWindow: 3, refractoryMs: 100, output: 0, label: 'c3' };
  dear.detector = new LabelDetector({ ...dear.session.manifest, labels, detector }, 40);
  const changes: [boolean, number][] = [];
  const seen: Output[] = [];
  let [rows, early] = [0, 0];
  const note = (timeMs: number) => {
    const { session } = dear;
    seen.push({ timeMs, bytes: Buffer.from(session.outputRaw()).toString('hex'), value: session.output()[3] as number });
  };
  const listener = new Listener(models, 16000, {
    row: () => rows++,
    gate: (model, open, timeMs) => model === dear && changes.push([open, timeMs]),
    output: (model, timeMs) => model === dear && note(timeMs),
    early(_, timeMs) {
      early++;
      note(timeMs);
    },
  });
  listener.push(sound);
  const times = (always.dear ?? []).map(({ timeMs }) => timeMs);
  const open = openAt(always.cheap ?? [], times, threshold, 0);
  const expected = times.flatMap((t, i): [boolean, number][] => {
    const [now, before] = [open.includes(t), i > 0 && open.includes(times[i - 1] as number)];
    return now === before ? [] : [[now, t]];
  });
  assert.ok(expected.length > 8);
  assert.equal(changes, expected);
  assert.is(rows, listener.rowsOf(dear.frontEnd as never).outputs);
  assert.ok(early > 5, `${early}`);
  const known = new Map((always.dear ?? []).map((output) => [output.timeMs, output]));
  for (const output of seen) assert.equal(output, known.get(output.timeMs));
});

test('gates that do not fit the models are refused', async () => {
  const make = async (change: (models: ListeningModel[]) => void) => {
    const models = await pair(gate());
    change(models);
    return codeOf(() => new Listener(models, 16000, {}));
  };
  assert.is(await make(() => {}), 'none');
  assert.is(await make(([dear]) => Object.assign(dear as object, { gate: gate({ by: 'nobody' }) })), 'RN778');
  assert.is(await make(([dear]) => Object.assign(dear as object, { gate: gate({ by: 'dear' }) })), 'RN778');
  assert.is(await make(([, cheap]) => Object.assign(cheap as object, { gate: gate({ by: 'dear' }) })), 'RN778');
  assert.is(await make(([dear]) => Object.assign(dear as object, { gate: gate({ element: 40 }) })), 'RN778');
  assert.is(await make(([dear]) => Object.assign(dear as object, { gate: gate({ output: 1 }) })), 'RN778');
  assert.is(await codeOf(async () => withGates(await pair(), 'dear=cheap')), 'RN778', 'no condition');
  const noisy = await buildFrontEnd(makeFrontEnd(presetParameters('microwakeword')));
  const session = await openSession(noisy.wasm as BufferSource);
  const [, cheap] = (await pair()) as [ListeningModel, ListeningModel];
  assert.is(await codeOf(() => new Listener([cheap, { name: 'noise', session, gate: gate() }], 16000, {})), 'RN777');
});

test.run();
