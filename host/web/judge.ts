/**
 * Compares a run with the truth of its recording.
 *
 * In: the running model, its history, the recording.  Out: a score with a note; wrong detections, and missed
 * entries of the script.
 */
import type { Detection } from '../session/index.ts';
import type { Answers } from './demo.ts';
import type { Hearing } from './hearing.ts';
import type { History } from './history.ts';
import type { Loaded, Recording, Said } from './protocol.ts';
import { type Reading, valueText } from './reading.ts';
import { matched, meanError, rightStates, type Tolerance } from './score.ts';

export interface Run {
  loaded: Loaded;
  reading: Reading;
  hearing: Hearing;
  history: History;
  answers?: Answers;
}

export interface Judgement {
  wrong: ReadonlySet<Detection>;
  missed: ReadonlySet<Said>;
  figure?: [value: string, note: string];
}

/**
 * Words may be detected up to 0.8 s after their end: the window is 1 s, and the mean of several outputs adds
 * delay. Beats must be within 150 ms, as in published evaluations.
 */
const tolerances: Record<'words' | 'beats', Tolerance> = {
  words: { earlyS: 0, lateS: 0.8 },
  beats: { earlyS: 0.15, lateS: 0.15 },
};

const nothing: Judgement = { wrong: new Set(), missed: new Set() };

/** Checks whether the outputs are states: classes without a detector. */
export const readsStates = ({ reading, hearing }: Run): boolean => reading.kind === 'words' && hearing.kind === undefined;

export function judge(run: Run, recording: Recording | undefined): Judgement {
  const { reading, hearing, history, answers } = run;
  const { said, truth } = recording ?? {};
  if (truth && reading.kind === 'quantity') {
    const error = meanError(history, truth, answers?.delayS ?? 0);
    return error === undefined ? nothing : { ...nothing, figure: [valueText(error, reading), 'mean error against the truth'] };
  }
  if (!said) return nothing;
  const { kind } = hearing;
  if (kind === undefined) {
    if (!readsStates(run)) return nothing;
    const { right, judged } = rightStates(history, reading, said, answers?.delayS ?? 0);
    if (judged === 0) return nothing;
    return { ...nothing, figure: [`${((100 * right) / judged).toFixed(1)} %`, `of ${judged} answers right`] };
  }
  // beats before the first output or after the last cannot be found
  const delayS = answers?.delayS ?? 0;
  const first = history.times.end > 0 ? history.times.at(history.times.first) : history.endS;
  const range: [number, number] = [kind === 'beats' ? first - delayS : 0, history.endS - delayS];
  const { right, missed, wrong } = matched(said, hearing.heard, range, tolerances[kind]);
  const total = right.size + missed.size;
  const note = `${kind} right${wrong.size > 0 ? `, ${wrong.size} wrong` : ''}`;
  return { wrong, missed, ...(total > 0 && { figure: [`${right.size} of ${total}`, note] }) };
}
