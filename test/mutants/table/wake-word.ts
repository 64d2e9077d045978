/** Faults in the recipe of a word of one's own. */
import { inFolder } from '../mutant.ts';

export const wakeWord = inFolder('models/train/wake-word', [
  {
    id: 'wake-stress-replaced',
    file: 'pronunciations.py',
    find: 'and not next(stressed)',
    replace: 'and next(stressed) is not None',
    tests: 'wake-word/rules',
    why: 'stressed vowels are replaced too',
  },
  {
    id: 'wake-refractory',
    file: 'listening.py',
    find: 'max(ready, out[-1] + n)',
    replace: 'out[-1] + n',
    tests: 'wake-word/rules',
    why: 'a word is heard again before the refractory time is over',
  },
  {
    id: 'wake-phrase-in-others',
    file: 'phrases.py',
    find: 'if f" {phrase} " in f" {plain} " else',
    replace: 'if False else',
    tests: 'wake-word/rules',
    why: 'speech without the phrase contains the phrase',
  },
  {
    id: 'wake-voice-judged',
    file: 'voices.py',
    find: '"festival": ["ked_diphone", ',
    replace: '"flite": ["rms"], "festival": [',
    tests: 'wake-word/rules',
    why: 'a voice of the training judges the bundle',
  },
  {
    id: 'wake-target-late',
    file: 'stretches.py',
    find: 'y[last : last + LATE + 1] = HIT',
    replace: 'y[last + 1 : last + LATE + 1] = HIT',
    tests: 'wake-word/rules',
    why: 'the window that ends with the phrase is no hit',
  },
  {
    id: 'wake-long-phrase',
    file: 'phrases.py',
    find: 'if len(text) > LONGEST:',
    replace: 'if len(text) > 20_000:',
    tests: 'wake-word/rules',
    why: 'a phrase of 10,000 characters is spoken',
  },
]);
