/** Faults in the judgement of versions, the pool of versions, and the choice among them. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: texts of source files
import { inFolder } from '../mutant.ts';

export const gatewayJudge = [
  ...inFolder('host/gateway/judge', [
    {
      id: 'replay-late',
      file: 'replay.ts',
      find: 'const first = last - framesNeeded(manifest);',
      replace: 'const first = last - framesNeeded(manifest) + manifest.warmUpHops;',
      tests: 'gateway/judgement',
      why: 'a version with a warm-up gets too few ticks before its window',
    },
    {
      id: 'judge-hangs-again',
      file: 'slot-judging.ts',
      find: 'this.#failures.set(stored.digest, found);',
      replace: '',
      tests: 'gateway/judgement',
      why: 'a version that hangs is run on every window, and its failure is not told',
    },
    {
      id: 'judge-alarm-each-time',
      file: 'judging.ts',
      find: "if (key === (this.#told.get(name) ?? '')) return;",
      replace: '',
      tests: 'gateway/judgement',
      why: 'the alarm is told at every judgement',
    },
    {
      id: 'judge-always-automatic',
      file: 'judging.ts',
      find: 'if (settings.automatic && ',
      replace: 'if (',
      tests: 'gateway/judgement',
      why: 'a version is tried without permission',
    },
    {
      id: 'judge-share-forgotten',
      file: 'judgement.ts',
      find: 'return { window: `${one.id}`, reasons: one.reasons,',
      replace: "return { window: `${one.id}`, reasons: ['random'],",
      tests: 'gateway/judgement',
      why: 'windows that were not drawn at random count',
    },
  ]),
  ...inFolder('host/gateway/store', [
    {
      id: 'pool-beyond-room',
      file: 'state.ts',
      find: '|| bytes + one.bytes > (s.poolBytes ?? 0)',
      replace: '',
      tests: 'gateway/store',
      why: 'the pool grows beyond its size',
    },
    {
      id: 'pool-keeps-failed',
      file: 'state.ts',
      find: 'keep || digest !== staged?.digest',
      replace: 'keep || digest !== undefined',
      tests: 'gateway/store',
      why: 'a version that failed its trial stays in the pool',
    },
    {
      id: 'pool-not-referenced',
      file: 'state.ts',
      find: '[active, previous, staged, ...pool]',
      replace: '[active, previous, staged]',
      tests: 'gateway/store',
      why: 'the bundles of the pool are swept from the disk',
    },
  ]),
  ...inFolder('host/learn', [
    {
      id: 'choice-without-margin',
      file: 'choose-version.ts',
      find: ' && isBeyondChance(found.wins, found.losses)',
      replace: '',
      tests: 'learn/choose-version',
      why: 'noise swaps versions',
    },
    {
      id: 'choice-farthest',
      file: 'choose-version.ts',
      find: 'other.distance > distance',
      replace: 'other.distance < distance',
      tests: 'learn/choose-version',
      why: 'the kept neighbours are not the nearest ones',
    },
  ]),
];
