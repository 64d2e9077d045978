/**
 * A flat input: one frame of all its values, or a window of several frames that was flattened before the
 * network.
 *
 * In: a graph and, where it is known, how many columns the data have.  Out: the question to the user, with
 * the numbers of frames that make sense; nothing where the input has a time axis, or too few values for a
 * window. Rule: the columns of the data, the width of the front end that the metadata name, then divisors
 * that sensors (3, 6, 9 values a sample), front ends (40, 13, 10 a row) and single signals (1) have.
 */
import type { Graph } from '../graph/types.ts';
import { namedWidth } from './time-axis.ts';

/** Values that one sample or row often has, most telling first. */
const usual = [6, 9, 40, 13, 3, 10, 2, 1];
/** Fewer values are features of one moment. A choice: a second of three axes at 10 Hz has 30. */
const fewestValues = 60;
const fewestFrames = 8;
const mostAnswers = 3;

/** Frame widths that divide `values` into a window, the likeliest first. */
export function frameWidths(values: number, known: readonly (number | undefined)[]): number[] {
  const sure = known.filter((n): n is number => n !== undefined && n > 0 && n < values && values % n === 0);
  if (sure.length > 0) return sure.slice(0, 1);
  if (values < fewestValues) return [];
  return usual.filter((n) => values % n === 0 && values / n >= fewestFrames).slice(0, mostAnswers);
}

/**
 * `input x has 714 values and no time: is this 119 frames of 6? --frame 6; ...` @param columns of the data
 * beside the model
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
  return `input ${port.name} has ${shape.c} values and no time: is this ${answer(first)}${why}? Then --frame ${first}${more}`;
}
