/**
 * Proposes changes for a bundle that does not fit a board.
 *
 * In: a bundle, its estimate on a board.  Out: changes with their estimated effects, the most helpful first.
 * Effects on RAM are computed from the manifest's bytes; other engines are estimated like the present one.
 * The effects of other kernels and of fewer channels are measurements of docs/performance.md.
 */
import { sectionBytes } from '../../assembly/bundle/bytes.ts';
import { bytesText } from '../bytes-text.ts';
import type { Board } from './boards.ts';
import { type EngineName, engines } from './engines.ts';
import { type Estimate, estimate, type Subject } from './estimate.ts';

export interface Advice {
  change: string;
  effect: string;
}

const percent = (share: number): string => (share >= 0.1 ? `${Math.round(100 * share)} %` : `${(100 * share).toFixed(1)} %`);
const shares = (from: number, to: number): string => `${percent(from)} -> ${percent(to)} of the available time`;

/** Factor on the instructions if the bundle is built for the suitable target (docs/performance.md). */
const otherKernels = { interp: 0.72, native: 0.5 } as const;
/** Factor on the time of a hop with home tile. */
const tileTimes = 1.07;
/** Assumed size of a tile in memory; the manifest of an embedded bundle does not state it. */
const tileBytes = 1024;
/** Exponent of the time of a hop in the number of channels. */
const channelPower = 1.62;

function ramAdvice({ wasm, manifest }: Subject, { ram, fits }: Estimate): Advice[] {
  if (fits.ram || manifest.weights?.home === 'tile') return [];
  const { weightBytes, tableBytes } = manifest.bytes;
  const file = ram.parts.file ? sectionBytes(wasm).dataBytes : 0;
  const tile = ram.needs - weightBytes - tableBytes + tileBytes - file;
  const found = [
    {
      change: 'build --weights tile: weights stay in flash and are copied tile by tile',
      effect: `RAM ${bytesText(ram.needs)} -> ${bytesText(tile)}; up to ${percent(tileTimes - 1)} more time`,
    },
  ];
  if (file > 0 && !manifest.weights)
    found.push({
      change: 'build --weights linear: weights are only in memory, not in the file too',
      effect: `RAM ${bytesText(ram.needs)} -> ${bytesText(ram.needs - Math.min(file, weightBytes))}`,
    });
  return found;
}

function timeAdvice(subject: Subject, board: Board, now: Estimate, rate?: number): Advice[] {
  const { budget, engine } = now;
  if (now.fits.time !== false || !budget) return [];
  const { manifest } = subject;
  const found: Advice[] = [];
  const suits = engines[engine].suits;
  if (manifest.target !== suits)
    found.push({
      change: `build --target ${suits}: the kernels that suit ${engines[engine].name}`,
      effect: shares(budget.worst, budget.worst * otherKernels[suits]),
    });
  for (const name of ['aot', 'c'] as const satisfies readonly EngineName[]) {
    const other = estimate(subject, board, name, rate).budget;
    if (name === engine || !other || other.worst >= budget.worst) continue;
    const kernels = manifest.target === 'native' ? 1 : otherKernels.native;
    found.push({
      change: `${name === 'aot' ? "--engine aot: compiled by WAMR's compiler" : '--engine c: as C in the firmware'}${kernels < 1 ? ', with a bundle of --target native' : ''}`,
      effect: shares(budget.worst, other.worst * kernels),
    });
  }
  const work = (section: string) => manifest.layers.reduce((sum, l) => sum + (l.section === section ? l.macsPerHop : 0), 0);
  const head = work('head') / Math.max(1, work('head') + work('trunk'));
  found.push({
    change: `a hop of ${2 * manifest.hop} instead of ${manifest.hop}: half as many answers`,
    effect: `${shares(budget.worst, budget.worst * (1 - head / 2))} or less: the work per answer runs half as often`,
  });
  const channels = (1 / budget.worst) ** (1 / channelPower);
  found.push({
    change: `a retrained network with ${Math.round(100 * channels)} % of the channels`,
    effect: `${shares(budget.worst, 1)}: the time grows with the channels to the power ${channelPower}`,
  });
  return found;
}

export function adviceFor(subject: Subject, board: Board, now: Estimate, rate?: number): Advice[] {
  const found = [...ramAdvice(subject, now), ...timeAdvice(subject, board, now, rate)];
  if (!now.fits.ram)
    found.push({
      change: 'fewer channels or a shorter window',
      effect: `memory holds ${bytesText(subject.manifest.bytes.weightBytes)} of weights, ${bytesText(subject.manifest.bytes.stateBytes)} of state, ${bytesText(subject.manifest.bytes.scratchBytes)} of scratch`,
    });
  if (!now.fits.flash)
    found.push({ change: 'fewer channels', effect: `the bundle needs ${bytesText(now.flash.needs)} of flash, ${bytesText(subject.manifest.bytes.weightBytes)} of it for weights` }); // biome-ignore format: one line
  return found;
}
