/**
 * Gates between models that listen: the outputs of one model decide when another one runs.
 *
 * In: models with gates.  Out: an order in which each gate's model comes first, and a Sleeper for each gated
 * model. Errors: RN777 if a gated model carries a state, RN778 if a gate does not fit the models.
 * Rule: an output of the gated model is computed if the gate is open at the frame at which the output is due.
 * After a sleep, the outputs before it that the detector's sliding window needs are computed as well.
 */
import { RunletError } from '../../models/error.ts';
import { Gate } from './gate.ts';
import { type GatedCount, GatedStream } from './gated-stream.ts';
import type { ListeningModel, ModelGate } from './listening-model.ts';

/** What a gated model did and left out. */
export interface SleepCount extends GatedCount {
  /** Times that the gate opened. */
  opened: number;
  /** Frames of the model's input that arrived. */
  frames: number;
  keptFrames: number;
  keptBytes: number;
}

const unfit = (what: string, where: string, why: string, tryThis: string): RunletError =>
  new RunletError('RN778', { what, where, why, tryThis });

/** Returns the model with this name. @throws RN778 */
function gateModel(models: readonly ListeningModel[], { name, gate }: ListeningModel): ListeningModel | undefined {
  if (!gate) return undefined;
  const found = models.find((model) => model.name === gate.by);
  const names = models.map((model) => model.name).join(', ');
  if (!found) throw unfit(`there is no model ${gate.by}`, `gate of ${name}`, `the models are ${names}`, 'use one of these names');
  const elements = found.session.manifest.outputs[gate.output]?.elements ?? 0;
  if (gate.element >= 0 && gate.element < elements) return found;
  const why = `output ${gate.output} of ${gate.by} has ${elements} elements`;
  throw unfit(`there is no element ${gate.element}`, `gate of ${name}`, why, 'name a label of that model');
}

/** Returns the models in an order in which each follows its gate's model. @throws RN778 */
export function gatesFirst(models: readonly ListeningModel[]): ListeningModel[] {
  const order = new Set<ListeningModel>();
  const gates = new Map(models.map((model) => [model, gateModel(models, model)]));
  while (order.size < models.length) {
    const ready = models.filter(
      (model) => !order.has(model) && (!gates.get(model) || order.has(gates.get(model) as ListeningModel)),
    );
    const [stuck] = models.filter((model) => !order.has(model));
    if (ready.length === 0 && stuck)
      throw unfit(
        'gates form a circle',
        `gate of ${stuck.name}`,
        'each model waits for another one',
        'leave one model without a gate',
      );
    for (const model of ready) order.add(model);
  }
  return [...order];
}

/** A model that sleeps while its gate is closed. */
export class Sleeper {
  readonly stream: GatedStream;
  readonly gate: Gate;
  #opened = 0;
  #frames = 0;

  /** @throws RN777 */
  constructor({ session, frontEnd, detector }: ListeningModel, modelGate: ModelGate, sampleRateHz: number) {
    const { window, delayFrames } = session.manifest;
    const samples = (window + delayFrames) * (frontEnd?.hop ?? 1);
    const { output, element, threshold, orEqual, holdMs = (1000 * samples) / sampleRateHz } = modelGate;
    const holdFrames = Math.round((holdMs * sampleRateHz) / 1000);
    this.gate = new Gate({ output, element, threshold, orEqual, holdFrames });
    this.stream = new GatedStream(session, (detector?.slidingWindow ?? 1) - 1);
  }

  get count(): SleepCount {
    const { keptFrames, keptBytes, count, clock } = this.stream;
    return { ...count, opened: this.#opened, frames: this.#frames + clock.framesPushed, keptFrames, keptBytes };
  }

  /** Takes a value of the gate's model. @param sample number of samples up to the end of its output */
  judge(value: number, sample: number): void {
    const before = this.gate.isOpen(sample);
    this.gate.judge(value, sample);
    if (!before && this.gate.isOpen(sample)) this.#opened++;
  }

  /** Begins a new sound. The counts continue. */
  reset(): void {
    this.#frames += this.stream.clock.framesPushed;
    this.gate.reset();
    this.stream.reset();
  }
}
