/**
 * `--rounding tflm` gives the bytes of tflite-micro, and `--rounding litert` those of ai-edge-litert's
 * reference kernels: 0 differ.
 *
 * The cases are random int8 networks (RUNLET_REFERENCE_NETWORKS, default 40; RUNLET_SEED, default 1) and
 * every int8 file of the reference models and of the corpus that Runlet accepts, with RUNLET_REFERENCE_STEPS
 * steps each (default 4). RUNLET_REFERENCE_MODULES of each are compiled, and run on one target each (default
 * 3; the targets take turns) or, with RUNLET_REFERENCE_TARGETS, on all. Files that cannot be compared are
 * listed with the reason.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { targets } from '../../assembly/emit/target.ts';
import { randomModel } from '../oracle/writer/random-model.ts';
import { writeFile } from '../oracle/writer/write.ts';
import { shared } from '../shared.ts';
import { type Case, caseOf, differingBytes } from './compare.ts';
import { haveInterpreters, type Interpreter, runInterpreter } from './interpreters.ts';

const networks = Number(process.env.RUNLET_REFERENCE_NETWORKS ?? 40);
const steps = Number(process.env.RUNLET_REFERENCE_STEPS ?? 4);
const modules = Number(process.env.RUNLET_REFERENCE_MODULES ?? 3);
const allTargets = process.env.RUNLET_REFERENCE_TARGETS !== undefined;
const seed = Number(process.env.RUNLET_SEED ?? 1);
const kinds = ['tflm', 'litert'] as const satisfies readonly Interpreter[];

interface Result {
  compared: number;
  bytes: number;
  moduleBytes: number;
  /** Number of files for which the two interpreters differ. */
  apart: number;
}

/** Compares all cases under both rules, and prints which have no reference and why. */
async function compareAll(cases: readonly Case[], modulesWanted: number): Promise<Result> {
  const answers = kinds.map((kind) =>
    runInterpreter(
      kind,
      cases.map(({ job }) => job),
    ),
  );
  const result = { compared: 0, bytes: 0, moduleBytes: 0, apart: 0 };
  for (const [i, one] of cases.entries()) {
    const wanted = answers.map((all) => all[i] as Uint8Array | string);
    const compiles = Math.floor(((i + 1) * modulesWanted) / cases.length) > Math.floor((i * modulesWanted) / cases.length);
    let both = 0;
    for (const [k, kind] of kinds.entries()) {
      const expected = wanted[k];
      if (typeof expected === 'string' || expected === undefined) {
        console.log(`  ${kind} gave no outputs for ${one.name}: ${expected}`);
        continue;
      }
      both++;
      const got = one.outputs(kind);
      assert.is(differingBytes(got, expected), 0, `${one.name}: bytes that differ from ${kind}`);
      result.bytes += expected.length;
      if (!compiles) continue;
      for (const target of allTargets ? targets : targets.slice(i % targets.length, (i % targets.length) + 1)) {
        const module = await one.moduleOutputs(kind, target);
        assert.is(differingBytes(module, expected), 0, `${one.name}: bytes of the ${target} module that differ from ${kind}`);
        result.moduleBytes += expected.length;
      }
    }
    if (both > 0) result.compared++;
    const [a, b] = wanted;
    if (a instanceof Uint8Array && b instanceof Uint8Array && differingBytes(a, b) > 0) result.apart++;
  }
  return result;
}

const told = ({ compared, bytes, moduleBytes, apart }: Result): string =>
  `${compared} compared, 0 of ${bytes} bytes differ, nor of ${moduleBytes} from modules; the two interpreters differ in ${apart}`;

if (haveInterpreters()) {
  test(`${networks} random int8 networks equal both interpreters`, async () => {
    const cases: Case[] = [];
    const left: string[] = [];
    for (let i = 0; cases.length < networks; i++) {
      const one = await caseOf(`network ${seed * 100_000 + i}`, writeFile(randomModel(seed * 100_000 + i).file), steps, i);
      if (typeof one === 'string') left.push(one);
      else cases.push(one);
    }
    const result = await compareAll(cases, modules);
    console.log(`  random networks: ${told(result)}; ${left.length} refused by the reader`);
    assert.ok(result.compared > networks / 2, 'most networks are compared');
  });

  for (const [name, folder] of [
    ['models', shared('models')],
    ['corpus', shared('corpus', 'models')],
  ] as const) {
    if (!folder) continue;
    test(`int8 files of ${name} equal both interpreters`, async () => {
      const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((f) => f.endsWith('.tflite'));
      const cases: Case[] = [];
      for (const file of files.sort()) {
        const one = await caseOf(file, new Uint8Array(readFileSync(join(folder, file))), steps, files.indexOf(file));
        if (typeof one !== 'string') cases.push(one);
        else if (one !== 'not an int8 file') console.log(`  ${file}: ${one}`);
      }
      const result = await compareAll(cases, modules);
      console.log(`  ${name}: ${told(result)}`);
      assert.ok(result.compared > 0);
    });
  }
}

test.run();
