/**
 * The picture of a run: words, waveform, features, scores and time on one axis.
 *
 * In: a history and its detections.  Out: canvases, redrawn after a change, at most once per frame. While a
 * signal runs, they show the newest seconds. Afterwards the user can move and scale the picture: drag, wheel,
 * arrow keys, + and -, Home and End, 0 for the whole signal.
 */
import type { Detection } from '../session/index.ts';
import { clockText, drawAxis } from './draw/axis.ts';
import { drawFeatures } from './draw/features.ts';
import { drawGate, type ShownGate } from './draw/gate.ts';
import { type Brush, gutterOf, gutterText, Lane, type Scene, type View } from './draw/lane.ts';
import { drawScores } from './draw/scores.ts';
import { drawWaves } from './draw/wave.ts';
import { drawMarks, drawSaid, drawStates, drawWords } from './draw/words.ts';
import type { History } from './history.ts';
import { type Palette, readPalette } from './palette.ts';
import type { Said } from './protocol.ts';
import { type Reading, valueText } from './reading.ts';

export interface Shown {
  history: History;
  reading: Reading;
  /** True if the signal is sound, which is symmetric around 0. */
  sound: boolean;
  /** Names of the signal's channels. */
  channels: string[];
  heard: Detection[];
  /** Detections that are not in the script, and entries of the script that were not detected. */
  wrong: ReadonlySet<Detection>;
  missed: ReadonlySet<Said>;
  /** Present if outputs are states. An output describes the time `delayS` seconds before its window ends. */
  states?: { delayS: number; hopS: number };
  cutoff?: number;
  /** Present if the model sleeps behind a gate. */
  gate?: ShownGate;
  truth?: { values: Float32Array; stepS: number };
  /** Script of the recording, and the titles of the script and of the detections. */
  said?: Said[];
  titles: [there: string, found: string];
  /** Length of the recording in seconds, if known. */
  totalS?: number;
}

const names = ['words', 'wave', 'gate', 'features', 'scores', 'axis'] as const;
type LaneName = (typeof names)[number];

export class Timeline {
  #root: HTMLElement;
  #readout: HTMLElement;
  #lanes: Record<LaneName, Lane>;
  #shown: Shown | undefined;
  #palette: Palette = readPalette();
  #view: View = { startS: 0, spanS: 10 };
  #following = true;
  #waiting = false;
  #pointer: number | undefined;
  /** Seconds shown while a signal runs. */
  #liveS = 10;

  constructor(root: HTMLElement, readout: HTMLElement) {
    this.#root = root;
    this.#readout = readout;
    const lane = (name: LaneName) => new Lane(root.querySelector(`canvas[data-lane="${name}"]`) as HTMLCanvasElement);
    this.#lanes = Object.fromEntries(names.map((name) => [name, lane(name)])) as Record<LaneName, Lane>;
    new ResizeObserver(() => this.draw()).observe(root);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
      this.#palette = readPalette();
      this.draw();
    });
    this.#listen();
  }

  /** Shows a run. @param liveS seconds to show while it runs; if given, the picture follows the newest. */
  show(shown: Shown, liveS?: number): void {
    this.#shown = shown;
    if (liveS !== undefined) {
      this.#liveS = liveS;
      this.#following = true;
    }
    this.draw();
  }

  /** Shows the whole signal. */
  fit(): void {
    const { history, totalS } = this.#shown ?? {};
    if (!history) return;
    this.#following = false;
    const startS = history.wave.first * history.bucketS;
    this.#view = { startS, spanS: Math.max(0.5, Math.max(history.endS, totalS ?? 0) - startS) };
    this.draw();
  }

  colourOf = (label: string): string => {
    const { reading } = this.#shown ?? {};
    const words = reading?.names.filter((_, i) => !reading.background[i]) ?? [];
    const at = words.indexOf(label);
    return this.#palette.words[Math.max(0, at) % this.#palette.words.length] as string;
  };

  draw(): void {
    if (this.#waiting) return;
    this.#waiting = true;
    requestAnimationFrame(() => {
      this.#waiting = false;
      this.#paint();
    });
  }

  #paint(): void {
    const shown = this.#shown;
    // an error or a question may replace the picture
    if (!shown || this.#root.clientWidth === 0) return;
    const { history, reading, sound, channels, heard, cutoff, truth, gate } = shown;
    if (this.#following) this.#view = { startS: Math.max(0, history.endS - this.#liveS), spanS: this.#liveS };
    const scene: Scene = { view: this.#view, history, palette: this.#palette };
    const brush = (name: LaneName): Brush => this.#lanes[name].brush(this.#view);
    const { soft } = this.#palette;

    this.#root.classList.toggle('has-script', shown.said !== undefined);
    this.#drawFound(brush('words'), scene, shown);
    const wave = brush('wave');
    if (channels.length > 0) drawWaves(wave, scene, channels, sound);
    const gates = brush('gate');
    if (gate) drawGate(gates, scene, gate);
    const features = brush('features');
    if (features.height > 0) {
      drawFeatures(features, scene);
      gutterText(features, 'features', features.height / 2, soft);
    }
    const scores = brush('scores');
    const colours = reading.names.map((name, i) => (reading.background[i] ? soft : this.colourOf(name)));
    drawScores(scores, scene, { reading, cutoff, truth, colours });
    for (const lane of [wave, gates, features, scores]) {
      drawMarks(lane, scene, heard, this.colourOf);
      this.#drawPointer(lane);
    }
    drawAxis(brush('axis'), this.#view, this.#palette);
    this.#showReadout();
  }

  /** Draws the detections, and the script above them. */
  #drawFound(brush: Brush, scene: Scene, { states, reading, said, heard, wrong, missed, titles: [there, found] }: Shown): void {
    const { soft } = this.#palette;
    if (states) drawStates(brush, scene, { ...states, reading, colourOf: this.colourOf, ...(said && { said }) });
    else {
      drawWords(brush, scene, heard, wrong, this.colourOf);
      if (said) drawSaid(brush, scene, said, missed);
    }
    if (said) gutterText(brush, there, 10, soft);
    gutterText(brush, found, brush.height - 11, soft);
  }

  #drawPointer({ context, height, x, gutter }: Brush): void {
    if (this.#pointer === undefined) return;
    const at = Math.round(x(this.#pointer)) + 0.5;
    if (at < gutter) return;
    context.strokeStyle = this.#palette.soft;
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(at, 0);
    context.lineTo(at, height);
    context.stroke();
  }

  /** Shows the values at the pointer. */
  #showReadout(): void {
    const shown = this.#shown;
    if (!shown || this.#pointer === undefined) {
      this.#readout.textContent = '';
      return;
    }
    const { history, reading } = shown;
    const index = history.outputAt(this.#pointer + 1e-9) - 1;
    const time = clockText(this.#pointer, 2);
    if (index < history.times.first) {
      this.#readout.textContent = `${time}, before the first answer`;
      return;
    }
    if (this.#pointer - history.times.at(index) > 1.5 * history.hopS && this.#pointer < history.endS) {
      this.#readout.textContent = `${time}, asleep`;
      return;
    }
    const values = [...history.outputs.record(index)].map((value, e) => ({ value, name: reading.names[e] as string }));
    const best = values.sort((a, b) => b.value - a.value).slice(0, reading.kind === 'words' ? 3 : 2);
    const text = reading.kind === 'quantity' ? best : best.filter(({ value }, i) => i === 0 || value > 0.05);
    this.#readout.textContent = `${time}  ${text.map(({ name, value }) => `${name} ${valueText(value, reading)}`).join(', ')}`;
  }

  #secondsAt(clientX: number): number {
    const box = this.#root.getBoundingClientRect();
    const gutter = gutterOf(box.width);
    return this.#view.startS + ((clientX - box.left - gutter) / (box.width - gutter)) * this.#view.spanS;
  }

  #move(startS: number, spanS = this.#view.spanS): void {
    const { history } = this.#shown ?? {};
    if (!history) return;
    this.#following = false;
    const first = history.wave.first * history.bucketS;
    const span = Math.min(
      Math.max(spanS, 20 * history.bucketS, 0.2),
      Math.max(this.#liveS, history.endS - first, this.#shown?.totalS ?? 0),
    );
    this.#view = { startS: Math.max(first, Math.min(startS, Math.max(first, history.endS - span))), spanS: span };
    this.draw();
  }

  #zoom(factor: number, aroundS: number): void {
    const { startS, spanS } = this.#view;
    this.#move(aroundS - (aroundS - startS) * factor, spanS * factor);
  }

  #listen(): void {
    const root = this.#root;
    let held: { x: number; startS: number } | undefined;
    root.addEventListener('pointerdown', (event) => {
      held = { x: event.clientX, startS: this.#view.startS };
    });
    root.addEventListener('pointermove', (event) => {
      this.#pointer = this.#secondsAt(event.clientX);
      const box = root.getBoundingClientRect();
      if (held && event.buttons === 1 && Math.abs(event.clientX - held.x) > 2) {
        root.setPointerCapture(event.pointerId);
        this.#move(held.startS - ((event.clientX - held.x) / (box.width - gutterOf(box.width))) * this.#view.spanS);
      }
      this.draw();
    });
    root.addEventListener('pointerup', () => {
      held = undefined;
    });
    root.addEventListener('pointerleave', () => {
      this.#pointer = undefined;
      this.draw();
    });
    root.addEventListener(
      'wheel',
      (event) => {
        // without a modifier the wheel scrolls the page
        if (!event.ctrlKey && !event.shiftKey) return;
        event.preventDefault();
        this.#zoom(1.0015 ** (event.deltaY + event.deltaX), this.#secondsAt(event.clientX));
      },
      { passive: false },
    );
    root.addEventListener('keydown', (event) => {
      const { startS, spanS } = this.#view;
      const actions: Record<string, () => void> = {
        ArrowLeft: () => this.#move(startS - spanS / 10),
        ArrowRight: () => this.#move(startS + spanS / 10),
        '+': () => this.#zoom(0.7, startS + spanS / 2),
        '=': () => this.#zoom(0.7, startS + spanS / 2),
        '-': () => this.#zoom(1 / 0.7, startS + spanS / 2),
        Home: () => this.#move(0),
        End: () => this.#move(Number.MAX_VALUE),
        '0': () => this.fit(),
      };
      const action = actions[event.key];
      if (!action || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      action();
    });
  }
}
