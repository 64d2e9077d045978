/**
 * The page: models, sources, the picture of the run and what it costs.
 *
 * In: what the user drops, picks, says or plays.  Out: requests to the engine (link.ts), and everything that is shown.
 */
import { RunletError } from '../../models/error.ts';
import { bindControls, type Controls } from './controls.ts';
import { byId } from './dom.ts';
import { hideError, showError } from './error-panel.ts';
import { showFacts, showModels, showNumbers, showOptions } from './facts.ts';
import { HeardList } from './heard-list.ts';
import { Hearing } from './hearing.ts';
import { History } from './history.ts';
import { EngineLink } from './link.ts';
import { Meter } from './meter.ts';
import { type Microphone, openMicrophone } from './microphone.ts';
import { type Player, play } from './player.ts';
import type { Batch, Calibration, Catalogue, Loaded, LoadOptions, ModelEntry, NamedBytes, Said } from './protocol.ts';
import { type Reading, readingOf } from './reading.ts';
import { kindOf, type Recording, readRecording } from './recording.ts';
import { Timeline } from './timeline.ts';

/** The model that is loaded, and what it was loaded from. */
interface Current {
  loaded: Loaded;
  reading: Reading;
  hearing: Hearing;
  history: History;
  origin: Origin;
}

interface Origin {
  model: NamedBytes;
  json?: NamedBytes;
  /** Of a bundle that has them in a file apart. */
  weights?: Uint8Array;
  options: LoadOptions;
  calibration?: Calibration;
  entry?: ModelEntry;
}

type Activity = 'microphone' | 'playing' | 'all';

const asset = async (file: string): Promise<Uint8Array> => {
  const response = await fetch(file);
  if (response.ok) return new Uint8Array(await response.arrayBuffer());
  throw new RunletError('RN788', {
    what: 'a part of this page is missing',
    where: file,
    why: `the server answered ${response.status}`,
    tryThis: 'reload the page, or build it again: npm run web -- --build',
  });
};

class Page {
  #link = new EngineLink('worker.js');
  #timeline = new Timeline(byId('lanes'), byId('readout'));
  #meter = new Meter();
  #heard = new HeardList();
  #controls: Controls;
  #catalogue: Catalogue;
  #current: Current | undefined;
  #recording: Recording | undefined;
  #waiting: Origin | undefined;
  #activity: Activity | undefined;
  #microphone: Microphone | undefined;
  #player: Player | undefined;
  #run = 0;

  constructor(catalogue: Catalogue) {
    this.#catalogue = catalogue;
    this.#link.onBatch = (batch) => this.#take(batch);
    this.#link.onProgress = (text) => this.#controls.say(`${text}…`);
    this.#controls = bindControls({
      microphone: () => this.#toggle('microphone', () => this.#listen()),
      play: () => this.#toggle('playing', () => this.#play()),
      all: () => this.#toggle('all', () => this.#all()),
      files: (files) => this.#try(() => this.#open(files)),
      cutoff: (value) => this.#setCutoff(value),
      options: (options) => this.#try(() => this.#reload(options)),
    });
    showModels(catalogue.models, (entry) => this.#try(() => this.#loadEntry(entry)));
  }

  async start(): Promise<void> {
    await this.#link.ask({ do: 'setup', catalogue: this.#catalogue });
    const [first] = this.#catalogue.models;
    if (first) await this.#try(() => this.#loadEntry(first));
  }

  /** Recordings that have run to their end. */
  ended = 0;

  /** Outputs of the run, for tests and the curious. */
  outputs(): { times: number[]; values: number[][] } {
    const { history } = this.#current ?? {};
    if (!history) return { times: [], values: [] };
    const { times, outputs } = history;
    const indexes = Array.from({ length: times.end - times.first }, (_, i) => times.first + i);
    return { times: indexes.map((i) => times.at(i)), values: indexes.map((i) => [...outputs.record(i)]) };
  }

  async #try(action: () => Promise<void>): Promise<void> {
    hideError();
    try {
      await action();
    } catch (error) {
      this.#stop();
      this.#controls.say('');
      showError(error);
    }
  }

  // models

  async #loadEntry(entry: ModelEntry): Promise<void> {
    const bytes = await asset(entry.file);
    await this.#load({ model: { name: entry.name, bytes }, options: {}, entry });
  }

  async #reload(options: LoadOptions): Promise<void> {
    const origin = this.#current?.origin;
    if (origin) await this.#load({ ...origin, options });
  }

  async #load(origin: Origin): Promise<void> {
    this.#stop();
    const { model, json, options, calibration, entry, weights } = origin;
    this.#waiting = undefined;
    this.#controls.say(`loading ${model.name}…`);
    let loaded: Loaded | undefined;
    try {
      loaded = await this.#link.ask({ do: 'load', name: model.name, bytes: model.bytes, options, json, calibration, weights });
    } catch (error) {
      this.#controls.say('');
      if (!(error instanceof RunletError && error.code === 'RN782')) throw error;
      this.#waiting = origin;
      showError(error, [{ text: 'Choose a signal…', run: () => this.#controls.chooseFile() }], () => {
        this.#waiting = undefined;
        this.#idle();
      });
      return;
    }
    if (!loaded) return;
    const reading = readingOf(loaded.manifest);
    const hearing = new Hearing(loaded.manifest, reading, loaded.hopS);
    this.#current = { loaded, reading, hearing, origin, history: new History(loaded) };
    this.#recording = await this.#recordingFor(loaded, entry);
    showFacts(loaded, entry?.name);
    showOptions(loaded, this.#catalogue.frontEnds, options);
    this.#controls.model(loaded, reading, hearing);
    this.#begin();
    this.#idle();
  }

  /** The entry's demo; or what is there already, where it is sound and the model hears. */
  async #recordingFor(loaded: Loaded, entry: ModelEntry | undefined): Promise<Recording | undefined> {
    const { demo } = entry ?? {};
    if (demo) {
      const bytes = await asset(demo.file);
      const truth = demo.truth && { stepS: demo.truth.stepS, values: floats(await asset(demo.truth.file)) };
      const said = demo.script && (JSON.parse(new TextDecoder().decode(await asset(demo.script))) as Said[]);
      if (demo.rateHz === undefined) return { ...(await readRecording(demo.title, bytes, loaded)), ...(said && { said }) };
      const samples = floats(bytes);
      return { name: demo.title, samples, rateHz: demo.rateHz, seconds: samples.length / demo.rateHz, truth };
    }
    const hears = loaded.feed === 'sound' || loaded.feed === 'rows';
    return hears && this.#recording && (this.#recording.rateHz ?? 0) >= 4000 ? this.#recording : undefined;
  }

  // sources

  async #open(files: File[]): Promise<void> {
    const named = await Promise.all(
      files.map(async (file) => ({ name: file.name, bytes: new Uint8Array(await file.arrayBuffer()) })),
    );
    const models = named.filter(({ name }) => kindOf(name) === 'model');
    const json = named.find(({ name }) => kindOf(name) === 'json');
    const weights = named.find(({ name }) => kindOf(name) === 'weights');
    const others = named.filter(({ name }) => kindOf(name) === 'recording');
    const [model] = models;
    const [other] = others;
    if (models.length > 1 || others.length > 1 || ((json || weights) && !model))
      throw new RunletError('RN784', {
        what: 'these files do not go together',
        where: named.map(({ name }) => name).join(', '),
        why:
          (json || weights) && !model
            ? 'a .json or .bin alone says nothing without its model'
            : 'one model and one recording at a time',
        tryThis: 'one model, with its .json or .weights.bin where it has one, or one recording',
      });
    if (model) {
      const recording = other && (await readRecording(other.name, other.bytes, undefined));
      await this.#load({
        model,
        options: {},
        ...(json && { json }),
        ...(weights && { weights: weights.bytes }),
        ...(recording && { calibration: recording }),
      });
    } else if (other) await this.#openRecording(other);
  }

  async #openRecording({ name, bytes }: NamedBytes): Promise<void> {
    if (this.#waiting) {
      const { samples, rateHz } = await readRecording(name, bytes, undefined);
      return this.#load({ ...this.#waiting, calibration: { samples, rateHz } });
    }
    const { loaded } = this.#current ?? {};
    if (!loaded)
      throw new RunletError('RN784', { what: 'no model is loaded', where: name, tryThis: 'choose or drop a model first' });
    this.#stop();
    this.#controls.say(`reading ${name}…`);
    this.#recording = await readRecording(name, bytes, loaded);
    await this.#play();
  }

  async #toggle(activity: Activity, start: () => Promise<void>): Promise<void> {
    const active = this.#activity;
    this.#stop();
    if (active !== activity) await this.#try(start);
  }

  #stop(): void {
    this.#player?.stop();
    this.#microphone?.stop();
    this.#player = undefined;
    this.#microphone = undefined;
    if (this.#activity !== undefined) void this.#link.ask({ do: 'stop' });
    this.#activity = undefined;
    this.#idle();
  }

  #idle(): void {
    this.#controls.activity(this.#activity, this.#recording);
  }

  /** A run begins: an empty picture. */
  #begin(activity?: Activity, rateHz?: number): void {
    const current = this.#current;
    if (!current) return;
    this.#run++;
    this.#activity = activity;
    current.history = new History(current.loaded);
    current.hearing.reset();
    this.#meter.reset();
    this.#heard.clear();
    showNumbers(current, this.#meter);
    if (activity) void this.#ask({ do: 'begin', run: this.#run, signal: { rateHz } });
    this.#picture(current.loaded.feed === 'signal' ? 60 : 10);
    this.#idle();
  }

  #ask(request: Parameters<EngineLink['ask']>[0], transfer: Transferable[] = []): Promise<void> {
    return this.#try(async () => void (await this.#link.ask(request, transfer)));
  }

  #picture(liveS?: number): void {
    const current = this.#current;
    if (!current) return;
    const { history, reading, hearing, loaded } = current;
    const sound = loaded.feed === 'sound' || loaded.feed === 'rows';
    const recorded = this.#activity === 'microphone' ? undefined : this.#recording;
    this.#timeline.show(
      {
        history,
        reading,
        sound,
        signal: sound ? 'sound' : (loaded.manifest.inputs[0]?.name ?? 'signal'),
        heard: hearing.heard,
        ...(hearing.listens && { cutoff: hearing.cutoff }),
        ...(recorded?.truth && { truth: recorded.truth }),
        ...(recorded?.said && { said: recorded.said }),
        ...(recorded && { totalS: recorded.seconds }),
      },
      liveS,
    );
  }

  async #listen(): Promise<void> {
    this.#controls.say('asking for the microphone…');
    const microphone = await openMicrophone((samples) => {
      if (this.#microphone === microphone) void this.#ask({ do: 'push', samples }, [samples.buffer]);
    });
    this.#begin('microphone', microphone.rateHz);
    this.#microphone = microphone;
  }

  async #play(): Promise<void> {
    const recording = this.#recording;
    const { loaded } = this.#current ?? {};
    if (!recording || !loaded) return;
    this.#begin('playing', recording.rateHz);
    const frameElements = recording.rateHz === undefined ? (loaded.manifest.inputs[0]?.elements ?? 1) : 1;
    this.#player = play(recording, {
      speed: this.#controls.speed(),
      frameElements,
      onSamples: (samples) => void this.#ask({ do: 'push', samples }, [samples.buffer]),
      onEnd: () => void this.#ask({ do: 'end' }).then(() => this.#finished('playing')),
    });
  }

  async #all(): Promise<void> {
    const recording = this.#recording;
    if (!recording) return;
    this.#begin('all', recording.rateHz);
    const run = this.#run;
    const samples = recording.samples.slice();
    await this.#link.ask({ do: 'all', samples }, [samples.buffer]);
    if (run === this.#run) this.#finished('all');
  }

  #finished(activity: Activity): void {
    if (this.#activity !== activity) return;
    this.#activity = undefined;
    this.#player = undefined;
    this.ended++;
    this.#idle();
    this.#timeline.fit();
  }

  // answers

  #take(batch: Batch): void {
    const current = this.#current;
    if (!current || batch.run !== this.#run || this.#activity === undefined) return;
    const { history, hearing } = current;
    history.add(batch);
    this.#meter.add(batch);
    for (const detection of hearing.follow(history)) this.#heard.add(detection, this.#timeline.colourOf(detection.label));
    showNumbers(current, this.#meter);
    this.#controls.progress(this.#activity, batch.endS, this.#recording);
    this.#picture();
    if (this.#activity === 'all') this.#timeline.fit();
  }

  #setCutoff(value: number): void {
    const { hearing, history } = this.#current ?? {};
    if (!hearing || !history) return;
    hearing.again(value, history);
    this.#heard.clear();
    for (const detection of hearing.heard) this.#heard.add(detection, this.#timeline.colourOf(detection.label));
    this.#picture();
  }
}

const floats = (bytes: Uint8Array): Float32Array => new Float32Array(bytes.slice().buffer);

async function main(): Promise<void> {
  const catalogue = JSON.parse(new TextDecoder().decode(await asset('catalogue.json'))) as Catalogue;
  const page = new Page(catalogue);
  Object.assign(globalThis, { runletPage: page });
  await page.start();
  if ('serviceWorker' in navigator) await navigator.serviceWorker.register('service-worker.js');
}

main().catch((error: unknown) => showError(error));
