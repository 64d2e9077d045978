/**
 * The page: models, sources, the picture of the run, and its cost.
 *
 * In: files, choices and commands of the user.  Out: requests to the engine (link.ts), and everything that
 * the page shows.
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
import { calibrationOf, minSoundHz, readRecording } from './recording.ts';
import { Timeline } from './timeline.ts';

/** The loaded model, and where it was loaded from. */
interface Current extends Run {
  origin: Origin;
  judged: Judgement;
}

interface Origin {
  model: NamedBytes;
  json?: NamedBytes;
  /** Weights of a bundle that has them in a separate file. */
  weights?: Uint8Array;
  options: LoadOptions;
  calibration?: Calibration;
  /** Names of the input's channels, from the calibration signal or the zoo. */
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
  /** Number of actions of the user so far, and number of models that the engine has loaded. */
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
    showModels(catalogue, (entry) => this.#try((newest) => this.#loadEntry(entry, newest)));
  }

  async start(): Promise<void> {
    await this.#link.ask({ do: 'setup', catalogue: this.#catalogue });
    const { models } = this.#catalogue;
    const first = models.find(({ name }) => `#${name}` === location.hash) ?? models[0];
    if (!first || this.#actions > 0) return;
    await this.#try((newest) => this.#loadEntry(first, newest));
    // the first view shows a run at once and without sound; it does not move if the user prefers reduced
    // motion
    if (this.#actions > 1) return;
    const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
    await this.#try(() => (still ? this.#all() : this.#play(false)));
  }

  /** Name of the running model, in the zoo or in its manifest; for tests and the console. */
  get model(): string | undefined {
    return this.#current?.origin.entry?.name ?? this.#current?.loaded.manifest.name;
  }

  /** Number of recordings that have run to their end. */
  ended = 0;

  /** Outputs of the run and the summary of its gate, for tests and the console. */
  outputs(): Partial<ReturnType<History['list']>> {
    return this.#current?.history.list() ?? { times: [], values: [] };
  }

  /** Runs an action of the user. @param action its argument tells whether it is still the newest action. */
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
    // keeps the user's answers about the signal and the file
    const { rateHz, labels, timeAxis, window, set } = origin.options;
    await this.#load({ ...origin, options: { rateHz, labels, timeAxis, window, set, ...options } });
  }

  async #load(origin: Origin): Promise<void> {
    this.#stop();
    const { model, json, options, calibration, weights, entry } = origin;
    this.#waiting = undefined;
    this.#controls.say(`loading ${model.name}…`);
    const use = (more: LoadOptions) => this.#try(() => this.#load({ ...origin, options: { ...options, ...more } }));
    let loaded: Awaited<ReturnType<EngineLink['ask']>>;
    try {
      const file = { name: model.name, bytes: model.bytes, options, json, calibration, weights };
      loaded = await this.#link.ask({ do: 'load', ...file, ...(entry?.gate && { gate: entry.gate }) });
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

  /** Shows a question about a model and waits for the answer. @param show shows it; its argument cancels. */
  #question(origin: Origin, show: (cancel: () => void) => void): void {
    const wait = (waiting?: Origin) => {
      this.#waiting = waiting;
      this.#idle();
    };
    wait(origin);
    show(() => [hideQuestion(), wait()]);
  }

  /** Shows a loaded model: its facts, its recording, an empty picture. */
  async #show(loaded: Loaded, origin: Origin): Promise<void> {
    const { entry, options } = origin;
    const load = ++this.#loads;
    const reading = readingOf(loaded.manifest);
    const answers: Answers | undefined = entry && (await answersOf(entry));
    const demo = entry && (await demoOf(loaded, reading, entry));
    // the engine holds only the model that it loaded last
    if (load !== this.#loads) return;
    const hearing = hearingOf(loaded, reading, answers);
    const history = new History(loaded);
    const run = { loaded, reading, hearing, history, ...(answers && { answers }) };
    const before = this.#recording;
    this.#current = { ...run, origin, judged: judge(run, undefined) };
    const hears = loaded.feed === 'sound' || loaded.feed === 'rows';
    // keeps the present recording if it is sound and the model takes sound
    const kept = hears && (before?.rateHz ?? 0) >= minSoundHz ? before : undefined;
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
          what: 'the rate of this recording is unknown',
          where: name,
          why: 'it has no time column',
          tryThis: 'open a CSV file with a column named time, or enter the rate',
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

  /** Begins a run with an empty picture. */
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

  /** Sends the engine a request of the present run. Shows its error unless another run has begun. */
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

  /** Scores the run so far, and shows the score with the other numbers. */
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

  /** Plays the recording. @param audible false: without sound. */
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
