/**
 * The page: models, sources, the picture of the run and what it costs.
 *
 * In: what the user drops, picks, says or plays.  Out: requests to the engine (link.ts), and everything that
 * is shown.
 */
import { RunletError } from '../../models/error.ts';
import { chosenOf } from './chosen.ts';
import { bindControls, type Controls } from './controls.ts';
import { type Answers, answersOf, asset, demoOf } from './demo.ts';
import { byId } from './dom.ts';
import { hideError, showError } from './error-panel.ts';
import { showChannels, showFacts, showModels, showNumbers, showOptions } from './facts.ts';
import { HeardList } from './heard-list.ts';
import { hearingOf } from './hearing.ts';
import { History } from './history.ts';
import { type Judgement, judge, type Run } from './judge.ts';
import { EngineLink } from './link.ts';
import { Meter } from './meter.ts';
import { type Microphone, openMicrophone } from './microphone.ts';
import { channelsOf, liveSOf, shownOf } from './picture.ts';
import { type Player, play } from './player.ts';
import type { Batch, Calibration, Catalogue, Loaded, LoadOptions, ModelEntry, NamedBytes, Recording } from './protocol.ts';
import { askLabels, askNumbers, askRate, hideQuestion, openNumbers, timeAxes } from './question.ts';
import { readingOf } from './reading.ts';
import { calibrationOf, leastSoundHz, readRecording } from './recording.ts';
import { Timeline } from './timeline.ts';

/** The model that is loaded, and what it was loaded from. */
interface Current extends Run {
  origin: Origin;
  judged: Judgement;
}

interface Origin {
  model: NamedBytes;
  json?: NamedBytes;
  /** Of a bundle that has them in a file apart. */
  weights?: Uint8Array;
  options: LoadOptions;
  calibration?: Calibration;
  /** Names of the input's channels, of the calibration or of the zoo. */
  channels?: string[];
  entry?: ModelEntry;
}

type Activity = 'microphone' | 'playing' | 'all';

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
  /** What the user has asked for so far, and models that the engine has loaded. */
  #actions = 0;
  #loads = 0;

  constructor(catalogue: Catalogue) {
    this.#catalogue = catalogue;
    this.#link.onBatch = (batch) => this.#take(batch);
    this.#link.onProgress = (text) => this.#controls.say(`${text}…`);
    this.#controls = bindControls({
      microphone: () => this.#toggle('microphone', () => this.#listen()),
      play: () => this.#toggle('playing', () => this.#play()),
      all: () => this.#toggle('all', () => this.#all()),
      files: (files) => this.#try((newest) => this.#open(files, newest)),
      cutoff: (value) => this.#setCutoff(value),
      options: (options) => this.#try(() => this.#reload(options)),
    });
    showModels(catalogue.models, (entry) => this.#try((newest) => this.#loadEntry(entry, newest)));
  }

  async start(): Promise<void> {
    await this.#link.ask({ do: 'setup', catalogue: this.#catalogue });
    const [first] = this.#catalogue.models;
    if (!first || this.#actions > 0) return;
    await this.#try((newest) => this.#loadEntry(first, newest));
    // the first view shows what it is about: at once, without a sound, and still for those who want nothing
    // to move
    if (this.#actions > 1) return;
    const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
    await this.#try(() => (still ? this.#all() : this.#play(false)));
  }

  /** Name in the zoo of the model that runs, or its own, for tests and the curious. */
  get model(): string | undefined {
    return this.#current?.origin.entry?.name ?? this.#current?.loaded.manifest.name;
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

  /** Does what the user asks for. @param action is told whether the user has asked for nothing since. */
  async #try(action: (newest: () => boolean) => Promise<void>): Promise<void> {
    const turn = ++this.#actions;
    hideError();
    hideQuestion();
    try {
      await action(() => turn === this.#actions);
    } catch (error) {
      if (turn === this.#actions) this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.#stop();
    this.#controls.say('');
    showError(error);
  }

  // models

  async #loadEntry(entry: ModelEntry, newest: () => boolean): Promise<void> {
    const bytes = await asset(entry.file);
    const weights = entry.weights === undefined ? undefined : await asset(entry.weights);
    if (newest())
      await this.#load({ model: { name: entry.name, bytes }, options: entry.options ?? {}, entry, ...(weights && { weights }) });
  }

  async #reload(options: LoadOptions): Promise<void> {
    const origin = this.#current?.origin;
    if (!origin) return;
    // what was said of the signal and the file holds, however it is built
    const { rateHz, labels, timeAxis, window, set } = origin.options;
    await this.#load({ ...origin, options: { rateHz, labels, timeAxis, window, set, ...options } });
  }

  async #load(origin: Origin): Promise<void> {
    this.#stop();
    const { model, json, options, calibration, weights } = origin;
    this.#waiting = undefined;
    this.#controls.say(`loading ${model.name}…`);
    const use = (more: LoadOptions) => this.#try(() => this.#load({ ...origin, options: { ...options, ...more } }));
    let loaded: Awaited<ReturnType<EngineLink['ask']>>;
    try {
      loaded = await this.#link.ask({ do: 'load', name: model.name, bytes: model.bytes, options, json, calibration, weights });
    } catch (error) {
      this.#controls.say('');
      const axes = timeAxes(error, use);
      if (axes.length > 0) return showError(error, axes);
      const open = openNumbers(error);
      if (open) return this.#question(origin, (cancel) => askNumbers(model.name, open, use, cancel));
      if (!(error instanceof RunletError && error.code === 'RN782')) throw error;
      this.#waiting = origin;
      this.#idle();
      showError(error, [{ text: 'Choose a signal…', run: () => this.#controls.chooseFile() }], () => {
        this.#waiting = undefined;
        this.#idle();
      });
      return;
    }
    if (!loaded) return;
    if ('asks' in loaded) return this.#question(origin, (cancel) => askRate(loaded, use, cancel));
    await this.#show(loaded, origin);
  }

  /** A model waits for an answer. @param show of the question; it is told how to cancel */
  #question(origin: Origin, show: (cancel: () => void) => void): void {
    const wait = (waiting?: Origin) => {
      this.#waiting = waiting;
      this.#idle();
    };
    wait(origin);
    show(() => [hideQuestion(), wait()]);
  }

  /** A model that is ready: its facts, its recording, an empty picture. */
  async #show(loaded: Loaded, origin: Origin): Promise<void> {
    const { entry, options } = origin;
    const load = ++this.#loads;
    const reading = readingOf(loaded.manifest);
    const answers: Answers | undefined = entry && (await answersOf(entry));
    const demo = entry && (await demoOf(loaded, reading, entry));
    // the engine has one model, the last that it loaded
    if (load !== this.#loads) return;
    const hearing = hearingOf(loaded, reading, answers);
    const history = new History(loaded);
    const run = { loaded, reading, hearing, history, ...(answers && { answers }) };
    const before = this.#recording;
    this.#current = { ...run, origin, judged: judge(run, undefined) };
    const hears = loaded.feed === 'sound' || loaded.feed === 'rows';
    // what is there already stays, where it is sound and the model hears
    const kept = hears && (before?.rateHz ?? 0) >= leastSoundHz ? before : undefined;
    this.#recording = entry ? demo : kept;
    showFacts(loaded, entry?.name);
    this.#nameChannels();
    showOptions(loaded, this.#catalogue, options);
    askLabels(loaded, reading, (labels) => this.#try(() => this.#load({ ...origin, options: { ...options, labels } })));
    this.#controls.model(loaded, reading, hearing);
    this.#begin();
    this.#idle();
  }

  // sources

  async #open(files: File[], newest: () => boolean): Promise<void> {
    const { model, json, weights, recording: other } = await chosenOf(files);
    if (model) {
      const recording = other && (await readRecording(other.name, other.bytes, undefined));
      if (!newest()) return;
      await this.#load({
        model,
        options: {},
        ...(json && { json }),
        ...(weights && { weights: weights.bytes }),
        ...(recording && calibrationOf(recording)),
      });
    } else if (other) await this.#openRecording(other);
  }

  async #openRecording({ name, bytes }: NamedBytes): Promise<void> {
    if (this.#waiting) {
      const { calibration, channels, options } = this.#waiting;
      const recording = await readRecording(name, bytes, undefined, channels);
      const { fileHz } = recording;
      if (calibration && !fileHz)
        throw new RunletError('RN785', {
          what: 'this recording does not say how fast it comes',
          where: name,
          why: 'it has no time column',
          tryThis: 'a CSV file with a column time, or say the rate',
        });
      const rate = options.rateHz === undefined && fileHz ? { rateHz: fileHz } : {};
      return this.#load({ ...calibrationOf(recording), ...this.#waiting, options: { ...options, ...rate } });
    }
    const { loaded } = this.#current ?? {};
    if (!loaded)
      throw new RunletError('RN784', { what: 'no model is loaded', where: name, tryThis: 'choose or drop a model first' });
    this.#stop();
    this.#controls.say(`reading ${name}…`);
    this.#recording = await readRecording(name, bytes, loaded, this.#current?.origin.channels);
    this.#nameChannels();
    await this.#play();
  }

  #nameChannels(): void {
    const { loaded, origin } = this.#current ?? {};
    if (loaded && origin) showChannels(loaded.traces > 1 ? channelsOf(loaded, this.#recording, origin.channels) : []);
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
    this.#controls.activity(this.#activity, this.#waiting ? undefined : this.#recording);
  }

  /** A run begins: an empty picture. */
  #begin(activity?: Activity, rateHz?: number): void {
    const current = this.#current;
    if (!current) return;
    this.#run++;
    this.#waiting = undefined;
    this.#activity = activity;
    current.history = new History(current.loaded);
    current.hearing.reset();
    this.#meter.reset();
    this.#heard.clear();
    this.#judge();
    if (activity) void this.#ask({ do: 'begin', run: this.#run, signal: { rateHz } });
    this.#picture(liveSOf(current.loaded));
    this.#idle();
  }

  /** Asks the engine something of the present run. Its error is told unless another run has begun. */
  async #ask(request: Parameters<EngineLink['ask']>[0], transfer: Transferable[] = []): Promise<void> {
    const run = this.#run;
    await this.#link.ask(request, transfer).catch((error: unknown) => run === this.#run && this.#fail(error));
  }

  #picture(liveS?: number): void {
    const current = this.#current;
    if (!current) return;
    const recorded = this.#activity === 'microphone' ? undefined : this.#recording;
    this.#timeline.show(shownOf(current, recorded, current.origin.channels), liveS);
  }

  /** How right the run is so far, among its numbers. */
  #judge(): void {
    const current = this.#current;
    if (!current) return;
    current.judged = judge(current, this.#activity === 'microphone' ? undefined : this.#recording);
    showNumbers(current, this.#meter, current.judged.figure);
    this.#heard.mark(current.judged.wrong);
  }

  async #listen(): Promise<void> {
    this.#controls.say('asking for the microphone…');
    const microphone = await openMicrophone((samples) => {
      if (this.#microphone === microphone) void this.#ask({ do: 'push', samples }, [samples.buffer]);
    });
    this.#begin('microphone', microphone.rateHz);
    this.#microphone = microphone;
  }

  /** @param audible false: no sound, also of a recording of sound. */
  async #play(audible = true): Promise<void> {
    const recording = this.#recording;
    const { loaded } = this.#current ?? {};
    if (!recording || !loaded) return;
    this.#begin('playing', recording.rateHz);
    const frameElements = recording.rateHz === undefined ? (loaded.manifest.inputs[0]?.elements ?? 1) : 1;
    this.#player = play(recording, {
      speed: this.#controls.speed(),
      audible,
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
    const current = this.#current;
    for (const found of current?.hearing.end() ?? []) this.#heard.add(found, this.#timeline.colourOf(found.label));
    this.#judge();
    this.#idle();
    this.#picture();
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
    this.#judge();
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
    this.#judge();
    this.#picture();
  }
}

async function main(): Promise<void> {
  const catalogue = JSON.parse(new TextDecoder().decode(await asset('catalogue.json'))) as Catalogue;
  const page = new Page(catalogue);
  Object.assign(globalThis, { runletPage: page });
  await page.start();
  if (catalogue.offline && 'serviceWorker' in navigator) await navigator.serviceWorker.register('service-worker.js');
}

main().catch((error: unknown) => showError(error));
