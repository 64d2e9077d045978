/**
 * The page's engine: loads and compiles models, and runs signals through them, in a Web Worker (worker.ts).
 *
 * In: requests.  Out: replies and batches (protocol.ts).  A signal at full speed is processed in slices, so
 * that it can be stopped.
 */

import type { Build } from '../../assembly/build-with.ts';
import type { Target } from '../../assembly/emit/target.ts';
import { RunletError } from '../../models/error.ts';
import { append } from '../../models/lists.ts';
import type { Build as LastStep } from '../compile.ts';
import { ppgFrontEnd } from '../features/ppg.ts';
import { openSession, type Session, wasmBytes } from '../session/index.ts';
import { Resampler } from '../sources/resample.ts';
import { Chain, type ChainParts } from './chain.ts';
import { type FeedChoice, feedOf } from './feed.ts';
import { FrontEnds, gateModels, listeningModel, type OpenFrontEnd } from './listening.ts';
import type { Batch, Calibration, Catalogue, Loaded, LoadOptions, NamedBytes, Question, Reply, Request } from './protocol.ts';

const isBundle = (bytes: Uint8Array): boolean => bytes[0] === 0 && bytes[1] === 0x61 && bytes[2] === 0x73 && bytes[3] === 0x6d;

/** Seconds of signal per slice of a run at full speed. */
const sliceS = 0.5;

export interface EngineHost {
  /** Fetches a file of the page. */
  asset: (file: string) => Promise<Uint8Array>;
  tell: (message: Reply) => void;
}

export class Engine {
  #host: EngineHost;
  #catalogue: Catalogue | undefined;
  #chain: Chain | undefined;
  #loaded: Loaded | undefined;
  /** Changes with every load, begin and stop. */
  #turn = 0;
  #sourceHz: number | undefined;
  #build: Build | undefined;

  constructor(host: EngineHost) {
    this.#host = host;
  }

  async handle(request: Request): Promise<Loaded | Question | undefined> {
    if (request.do === 'setup') this.#catalogue = request.catalogue;
    else if (request.do === 'load') return this.#load(request);
    else if (request.do === 'begin') {
      this.#turn++;
      this.#sourceHz = request.signal.rateHz;
      this.#running().begin(request.run, request.signal.rateHz);
    } else if (request.do === 'push') this.#send(this.#running().push(request.samples));
    else if (request.do === 'end') this.#send(this.#running().end());
    else if (request.do === 'all') await this.#all(request.samples);
    else this.#turn++;
    return undefined;
  }

  #running(): Chain {
    if (this.#chain) return this.#chain;
    throw new RunletError('RN784', { what: 'no model is loaded', where: 'the page', tryThis: 'choose or drop a model first' });
  }

  #send(batch: Batch): void {
    this.#host.tell({ batch });
  }

  async #all(samples: Float32Array): Promise<void> {
    const rateHz = this.#sourceHz;
    const chain = this.#running();
    const { manifest, frameHz = 100 } = this.#loaded ?? {};
    const turn = this.#turn;
    const perSecond = rateHz ?? frameHz * (manifest?.inputs[0]?.elements ?? 1);
    const frame = rateHz === undefined ? (manifest?.inputs[0]?.elements ?? 1) : 1;
    const slice = Math.max(1, Math.round((sliceS * perSecond) / frame)) * frame;
    for (let at = 0; at < samples.length && turn === this.#turn; at += slice) {
      this.#send(chain.push(samples.subarray(at, Math.min(at + slice, samples.length))));
      await new Promise((resolve) => setTimeout(resolve));
    }
    if (turn === this.#turn) this.#send(chain.end());
  }

  async #load(request: Request & { do: 'load' }): Promise<Loaded | Question> {
    const { name, bytes, options, calibration, json, weights, gate } = request;
    const catalogue = this.#catalogue ?? { version: '', models: [], frontEnds: [] };
    const started = performance.now();
    const compiled = !isBundle(bytes);
    const { wasm, notes } = compiled
      ? await this.#compile({ name, bytes }, options, json, calibration)
      : { wasm: bytes, notes: [] };
    const session = await openSession(wasm as BufferSource, { weights: weights as BufferSource | undefined });
    const manifest = { ...session.manifest, ...addedFields(options, session.manifest) };
    const choice = feedOf(manifest, catalogue.frontEnds, options);
    if ('asks' in choice) return choice;
    const opened = new FrontEnds(this.#host.asset);
    const { frontEnd: entry, ...facts } = choice;
    const frontEnd = entry && (await opened.get(entry));
    const needed = choice.feed === 'rows';
    const rows = needed ? frontEnd?.session : undefined;
    const shown = listeningModel(name, session, manifest, { frontEnd: rows, hopS: choice.hopS, gate });
    const models = await gateModels(shown, catalogue, opened, this.#host.asset);
    const chain = new Chain(chainParts(models, choice, needed ? undefined : frontEnd?.session));
    this.#turn++;
    this.#chain = chain;
    this.#loaded = {
      ...facts,
      wasm,
      notes: [...notes, ...facts.notes],
      manifest,
      fileBytes: wasm.length,
      codeBytes: wasmBytes(wasm).codeBytes,
      ...(compiled && { compiledMs: performance.now() - started }),
      ...(frontEnd && { rows: rowsFacts(frontEnd, needed) }),
      ...gateFacts(models, choice.rateHz),
    };
    return this.#loaded;
  }

  async #compile(
    model: NamedBytes,
    options: LoadOptions,
    json?: NamedBytes,
    calibration?: Calibration,
  ): Promise<{ wasm: Uint8Array; notes: string[] }> {
    this.#host.tell({ progress: 'reading the model' });
    const [{ readModelFile }, { compile }] = await Promise.all([import('./compile.ts'), import('../compile.ts')]);
    const read = await readModelFile(model, options, json);
    const file = { ...read, graph: { ...read.graph, metadata: { ...metadataOf(options), ...read.graph.metadata } } };
    const build = options.code ? await this.#withCompiler(options.code) : undefined;
    this.#host.tell({
      progress: `${file.float ? 'calibrating and ' : ''}compiling${options.code ? ` code for ${options.code}` : ''}`,
    });
    const frames = file.float && calibration ? await this.#frames(file.elements, calibration, options) : undefined;
    const producer = this.#catalogue?.version ?? 'runlet';
    const { wasm } = await compile(file.graph, { hop: file.hop, calibration: frames, producer, build });
    return { wasm, notes: file.notes };
  }

  /** Fetches the compiler once. @throws RN788 it cannot be fetched */
  async #withCompiler(target: Target): Promise<LastStep> {
    if (!this.#build) {
      this.#host.tell({ progress: 'fetching the compiler, once (15 MB)' });
      const { kernels } = this.#catalogue?.compiler ?? { kernels: '' };
      try {
        const { browserBuild } = await import('./compiler.ts');
        this.#build = browserBuild(JSON.parse(new TextDecoder().decode(await this.#host.asset(kernels))));
      } catch (error) {
        throw new RunletError('RN788', {
          what: 'the compiler cannot be fetched',
          where: 'this page',
          why: error instanceof Error ? error.message : String(error),
          tryThis: 'connect to the server once, or choose the layer table, which needs no compiler',
        });
      }
    }
    const build = this.#build;
    return (quant, fields) => build(quant, { ...fields, target });
  }

  /** Converts a calibration signal to frames of the model. @throws RN785 */
  async #frames(
    elements: number,
    { samples, rateHz, width = elements }: Calibration,
    { frontEnd }: LoadOptions,
  ): Promise<Float32Array> {
    if (rateHz === undefined || elements === 1) {
      if (width === elements && samples.length % elements === 0) return samples;
      throw new RunletError('RN785', {
        what: 'this signal does not fit the model',
        where: 'calibration',
        why: `the model takes ${elements} values per frame, and ${width === elements ? `${samples.length} is not a multiple of it` : `the file has ${width}`}`,
        tryThis: 'open a .npy or .csv file of such frames',
      });
    }
    const entries = this.#catalogue?.frontEnds ?? [];
    const entry = entries.find((e) => e.channels === elements && (frontEnd === undefined || e.id === frontEnd));
    if (!entry)
      throw new RunletError('RN785', {
        what: 'sound cannot calibrate this model',
        where: 'calibration',
        why: `no front end of this page makes frames of ${elements} values`,
        tryThis: 'open a .npy or .csv file of such frames',
      });
    const { session } = await new FrontEnds(this.#host.asset).get(entry);
    const resampler = new Resampler(rateHz, entry.sampleRateHz);
    const rows: number[] = [];
    for (const part of [resampler.push(samples), resampler.flush()])
      if (part.length > 0) session.pushAll(part, () => append(rows, session.output(0)));
    return Float32Array.from(rows);
  }
}

/** Fields of the manifest that the user has added because the model lacks them. */
const addedFields = (
  { rateHz, labels }: LoadOptions,
  { sampleRateHz, labels: modelLabels }: Loaded['manifest'],
): Partial<Loaded['manifest']> => ({
  ...(rateHz !== undefined && sampleRateHz === undefined && { sampleRateHz: rateHz }),
  ...(labels && !modelLabels && { labels }),
});

/** The user's fields as metadata of a model file, so that the built module contains them. */
const metadataOf = ({ rateHz, labels }: LoadOptions): Record<string, string> => ({
  ...(rateHz !== undefined && { 'runlet.sample_rate_hz': `${rateHz}` }),
  ...(labels && { 'runlet.labels': labels.join(',') }),
});

/** Facts about a front end. @param needed false: it only draws */
const rowsFacts = ({ entry, session, fileBytes }: OpenFrontEnd, needed: boolean): Loaded['rows'] => ({
  id: entry.id,
  title: entry.title,
  channels: entry.channels,
  stepS: entry.stepSamples / entry.sampleRateHz,
  windowS: entry.windowSamples / entry.sampleRateHz,
  needed,
  memoryBytes: session.manifest.bytes.memoryBytes,
  fileBytes,
});

/** Facts about the gate of the first model. */
function gateFacts([{ gate: rule }, ...others]: ChainParts['models'], rateHz: number): Pick<Loaded, 'gate'> {
  const by = others.find(({ name }) => name === rule?.by);
  if (!rule || !by) return {};
  const { manifest } = by.session;
  const { labels } = by;
  const hopS = (manifest.hop * (by.frontEnd?.hop ?? 1)) / rateHz;
  return { gate: { rule, manifest: { ...manifest, ...(labels && { labels }) }, hopS } };
}

const chainParts = (
  models: ChainParts['models'],
  { rateHz, frameHz, traces, filter }: FeedChoice,
  picture: Session | undefined,
): ChainParts => ({
  models,
  rateHz,
  frameHz,
  traces,
  ...(picture && { picture }),
  ...(filter && { filter: () => filterOf(rateHz) }),
});

const filterOf = (sampleRateHz: number) => {
  const filter = ppgFrontEnd({ sampleRateHz });
  return { push: (samples: Float32Array) => samples.map((sample) => filter.push(sample)) };
};
