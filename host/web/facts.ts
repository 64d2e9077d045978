/**
 * Shows the list of zoo models, the facts and notes of a model, and the numbers of the run.
 *
 * In: the engine's Loaded, the run so far.  Out: elements.
 */

import { gateText } from '../session/index.ts';
import { byId, fillPairs, make, pairs } from './dom.ts';
import { clockText } from './draw/axis.ts';
import { showGate } from './gate-numbers.ts';
import type { Run } from './judge.ts';
import type { Meter } from './meter.ts';
import type { Catalogue, Loaded, LoadOptions, ModelEntry } from './protocol.ts';
import { valueText } from './reading.ts';
import { kilobytes, microseconds, percent, secondsText, whole } from './text.ts';

/** Shows the zoo as radio buttons, and a link to its cards. */
export function showModels({ models, cards }: Catalogue, choose: (entry: ModelEntry) => void): void {
  const list = byId('models');
  for (const entry of models) {
    const input = make('input', { type: 'radio', name: 'model', value: entry.name, onchange: () => choose(entry) });
    list.append(make('label', {}, input, make('b', {}, entry.name), make('span', {}, entry.note)));
  }
  if (cards) list.after(make('p', { className: 'cards' }, make('a', { href: cards }, 'Cards of these models')));
}

/** Selects a zoo model; if `name` is undefined, adds the user's model `userModel` below the zoo. */
function markModel(name: string | undefined, userModel: string): void {
  const list = byId('models');
  list.querySelector('.own')?.remove();
  for (const input of list.querySelectorAll('input')) input.checked = input.value === name;
  if (name !== undefined) return;
  const input = make('input', { type: 'radio', name: 'model', checked: true });
  const label = make('label', { className: 'own' }, input, make('b', {}, userModel), make('span', {}, 'your model'));
  list.append(label);
}

const feedText = ({ feed, rateHz, frameHz, rows, filter, manifest }: Loaded): string => {
  if (feed === 'rows' && rows) return `rows of ${rows.title}`;
  if (feed === 'frames') return `${manifest.inputs[0]?.elements} channels at ${frameHz} Hz`;
  const rate = rateHz >= 1000 ? `${rateHz / 1000} kHz` : `${rateHz} Hz`;
  return feed === 'sound'
    ? `sound at ${rate}`
    : `${manifest.inputs[0]?.name ?? 'a signal'} at ${rate}${filter ? ', filtered' : ''}`;
};

/** Saves a file to the user's downloads. */
function saveFile(name: string, bytes: Uint8Array): void {
  const url = URL.createObjectURL(new Blob([bytes as BlobPart], { type: 'application/wasm' }));
  make('a', { href: url, download: name }).click();
  URL.revokeObjectURL(url);
}

/** Shows the facts that do not change while a model runs. @param entry its name in the zoo. */
export function showFacts(loaded: Loaded, entry: string | undefined): void {
  const { manifest, frameHz, hopS, compiledMs, gate } = loaded;
  markModel(entry, manifest.detector?.label ?? manifest.name);
  const { window, warmUpHops, delayFrames, mode, macsPerHop, macsPerWindow } = manifest;
  const saved = macsPerHop > 0 ? macsPerWindow / macsPerHop : 1;
  const rows: [string, string, string?][] = [
    ['input', feedText(loaded)],
    ['window', secondsText(window / frameHz), `an answer every ${secondsText(hopS)}`],
    [
      'work',
      `${whole(macsPerHop)} multiply-adds per hop`,
      ...(saved > 1.05 ? [`${saved.toFixed(1)} times less than for a whole window`] : []),
    ],
    ['mode', mode, ...(warmUpHops > 0 ? [`the first ${warmUpHops} answers are held back`] : [])],
  ] as [string, string, string?][];
  const { weightBytes, tableBytes } = manifest.bytes;
  rows.push(['weights and tables', kilobytes(weightBytes + tableBytes)]);
  if (delayFrames > 0) rows.push(['look-ahead', secondsText(delayFrames / frameHz)]);
  if (gate) {
    const { rule, manifest: by } = gate;
    const note = `${by.name}: ${whole(by.macsPerHop)} multiply-adds every ${secondsText(gate.hopS)}; memory ${kilobytes(by.bytes.memoryBytes)}`;
    rows.push(['runs while', gateText(rule, by.labels), note]);
  }
  if (compiledMs !== undefined) {
    const { style, target } = manifest;
    rows.push([
      'compiled',
      `in this page, in ${secondsText(compiledMs / 1000)}`,
      style === 'table' ? 'a layer table' : `code for ${target}`,
    ]);
  }
  byId('facts').replaceChildren(...pairs(rows));
  const save = byId('save');
  save.hidden = compiledMs === undefined;
  save.onclick = () => saveFile(`${manifest.name}.wasm`, loaded.wasm);
  byId('notes').replaceChildren(...loaded.notes.map((text) => make('li', {}, text)));
}

/** Shows the names of the channels below the input. */
export function showChannels(names: string[]): void {
  document.getElementById('channels')?.remove();
  if (names.length === 0) return;
  byId('facts').firstElementChild?.append(make('dd', { id: 'channels', className: 'about' }, names.join(', ')));
}

/** Shows the build options that apply to this model. */
export function showOptions(
  { compiledMs, feed, manifest, rows }: Loaded,
  { frontEnds, compiler }: Catalogue,
  options: LoadOptions,
): void {
  const fitting = frontEnds.filter(({ channels }) => channels === manifest.inputs[0]?.elements);
  const hop = byId<HTMLInputElement>('hop');
  hop.value = String(options.hop ?? manifest.hop);
  (hop.parentElement as HTMLElement).hidden = compiledMs === undefined;
  const select = byId<HTMLSelectElement>('front-end');
  select.replaceChildren(...fitting.map(({ id, title }) => make('option', { value: id, textContent: title })));
  if (feed === 'frames') select.prepend(make('option', { value: 'frames', textContent: 'none (frames from files)' }));
  select.value = rows?.id ?? 'frames';
  (select.parentElement as HTMLElement).hidden = select.childElementCount < 2 || (manifest.inputs[0]?.elements ?? 1) < 2;
  const code = byId<HTMLSelectElement>('code');
  code.value = options.code ?? '';
  (code.parentElement as HTMLElement).hidden = compiledMs === undefined || !compiler;
  byId('options').hidden = (hop.parentElement as HTMLElement).hidden && (select.parentElement as HTMLElement).hidden;
}

/** The newest output: the strongest word, or the quantity. */
function latest({ reading, history, hearing }: Run): [value: string, note: string] {
  if (hearing.kind === 'beats') {
    const beat = hearing.heard.at(-1);
    return beat ? [beat.label, `the newest beat, ${clockText(beat.timeMs / 1000, 1)}`] : ['–', 'no beat yet'];
  }
  const newest = history.times.end - 1;
  if (history.gate && !history.gate.isOpen) return ['asleep', 'the gate is closed'];
  if (newest < history.times.first) return ['–', reading.kind === 'quantity' ? 'no answer yet' : 'nothing yet'];
  const values = history.outputs.record(newest);
  if (reading.kind === 'quantity') return [valueText(values[0] as number, reading), reading.names[0] as string];
  if (reading.kind === 'word') return [valueText(values[0] as number, reading), reading.names[0] as string];
  let best = 0;
  values.forEach((value, e) => {
    if (value > (values[best] as number)) best = e;
  });
  return [reading.names[best] as string, valueText(values[best] as number, reading)];
}

/** Shows the numbers above the picture. @param figure score of the run, if known. */
export function showNumbers(run: Run, meter: Meter, figure?: [value: string, note: string]): void {
  const { loaded } = run;
  const { manifest, rows, hopS, fileBytes, codeBytes } = loaded;
  const { memoryBytes, stateBytes } = manifest.bytes;
  const [now, name] = latest(run);
  const { modelUs, frontEndUs } = meter;
  const share =
    modelUs === undefined ? `a hop is ${secondsText(hopS)}` : `${percent(modelUs / 1e6 / hopS)} of a hop's ${secondsText(hopS)}`;
  const items: [string, string, string?][] = [
    ['now', now, name],
    ...(figure ? [['so far', ...figure] as [string, string, string]] : []),
    ['time per hop', modelUs === undefined ? '–' : microseconds(modelUs), share],
    ['memory', kilobytes(memoryBytes), `with ${kilobytes(stateBytes)} of state`],
    ['module', kilobytes(fileBytes), `with ${kilobytes(codeBytes)} of code`],
  ];
  if (rows)
    items.splice(-2, 0, [
      'front end',
      frontEndUs === undefined ? '–' : microseconds(frontEndUs),
      rows.needed ? `per hop; memory ${kilobytes(rows.memoryBytes)}` : 'for the picture; the model has its own',
    ]);
  fillPairs(byId('numbers'), items);
  showGate(run.history.gate);
}
