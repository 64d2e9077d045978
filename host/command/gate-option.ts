/**
 * Option --gate: which model wakes which. The session reads its grammar (host/session/gate-condition.ts).
 */
import { readGates } from '../session/index.ts';
import { withValue } from './options.ts';

export const gateArg = {
  gate: withValue(
    'Run a model only while an output of another one is above a threshold, and for a hold time after that (default: the window of the model): kws=vad>0.5 for 1s',
    'conditions such as vad>0.5, kws=vad:speech>=0.5 or kws=vad>0.5 for 1s, separated by commas',
    readGates,
    { hint: 'condition' },
  ),
};
