/**
 * flatQuestion: asks whether a flat input is a window of several frames that was flattened before the
 * network.
 *
 * In: a graph and, if known, the number of columns of the data.  Out: the question to the user with the
 * plausible numbers of frames; undefined if the input has a time axis or too few values for a window. Rule:
 * candidates are the number of columns, the frame width of the front end in the metadata, then usual widths
 * of sensors (3, 6, 9 values per sample), front ends (40, 13, 10 per row) and single signals (1).
 */
import type { Graph } from '../graph/types.ts';
import { namedWidth } from './time-axis.ts';

/** Usual numbers of values per sample or row, the likeliest first. */
const usual = [6, 9, 40, 13, 3, 10, 2, 1];
/** An input with fewer values holds features of one moment. A choice: 1 s of three axes at 10 Hz has 30. */
const minValues = 60;
const minFrames = 8;
const maxAnswers = 3;

/** Returns frame widths that divide `values` into whole frames, the likeliest first. */
export function frameWidths(values: number, known: readonly (number | undefined)[]): number[] {
  const sure = known.filter((n): n is number => n !== undefined && n > 0 && n < values && values % n === 0);
  if (sure.length > 0) return sure.slice(0, 1);
  if (values < minValues) return [];
  return usual.filter((n) => values % n === 0 && values / n >= minFrames).slice(0, maxAnswers);
}

/**
 * Returns the question, as `input x has 714 values and no time axis: is this 119 frames of 6? Then --frame 6
 * (...)`.
 * @param columns number of columns of the data that the user gave with the model
 */
export function flatQuestion(graph: Graph, columns?: number): string | undefined {
  const [port, second] = graph.inputs;
  const shape = graph.tensors[port?.tensor ?? -1]?.shape;
  if (!port || second || !shape || shape.t !== 1 || shape.f !== 1 || graph.stateful) return undefined;
  if (port.fileShape.filter((n) => n > 1).length > 1) return undefined;
  const widths = frameWidths(shape.c, [columns, namedWidth(graph)]);
  const [first, ...others] = widths;
  if (first === undefined) return undefined;
  const answer = (n: number) => `${shape.c / n} frames of ${n}`;
  const rest = others.map((n) => `--frame ${n} for ${answer(n)}`);
  const why = columns === first ? `, as the data have ${first} column${first > 1 ? 's' : ''}` : '';
  const more = rest.length > 0 ? ` (${rest.join(', ')})` : '';
  return `input ${port.name} has ${shape.c} values and no time axis: is this ${answer(first)}${why}? Then --frame ${first}${more}`;
}
