/** Faults in gates and in streams that sleep. */
import { inFolder } from '../mutant.ts';

const session = inFolder('host/session', [
  {
    id: 'gate-hold-end',
    file: 'gate.ts',
    find: 'frame - this.#passedAt <= this.rule.holdFrames',
    replace: 'frame - this.#passedAt < this.rule.holdFrames',
    tests: 'host/gate',
    why: 'a gate closes a frame too early',
  },
  {
    id: 'gate-warm-up',
    file: 'gated-stream.ts',
    find: '(outputIndex - this.#preRoll - warmUpHops) * hop',
    replace: '(outputIndex - this.#preRoll) * hop',
    tests: 'property/gate',
    env: { RUNLET_GATES: '24' },
    why: 'a module wakes up without its left context',
  },
  {
    id: 'gate-restart-grid',
    file: 'gated-stream.ts',
    find: 'const start = Math.floor(needed / this.#restart) * this.#restart;',
    replace: 'const start = needed;',
    tests: 'property/gate',
    env: { RUNLET_GATES: '60' },
    why: 'a misaligned module wakes up in another phase',
  },
  {
    id: 'gate-always-reset',
    file: 'gated-stream.ts',
    find: 'if (start > session.framesPushed) {',
    replace: 'if (start !== session.framesPushed && this.#asleep) {',
    tests: 'property/gate',
    env: { RUNLET_GATES: '24' },
    why: 'a module is reset although it only missed a few frames',
  },
  {
    id: 'gate-stale-state',
    file: 'gated-stream.ts',
    find: '      session.reset();\n      session.clock.skipTo(start);',
    replace: '      session.clock.skipTo(start);',
    tests: 'property/gate',
    env: { RUNLET_GATES: '24' },
    why: 'a module wakes up with the state of before its sleep',
  },
  {
    id: 'gate-asleep-opens',
    file: 'listener.ts',
    find: 'sleeper.judge(Number.NaN, this.#samples)',
    replace: 'sleeper.gate',
    tests: 'host/listening-gate',
    why: 'the last value of a model that sleeps keeps the next gate open',
  },
  {
    id: 'gate-order',
    file: 'listener.ts',
    find: 'gatesFirst(models).map(',
    replace: 'models.map(',
    tests: 'host/listening-gate',
    why: 'a gated model is asked before its gate has seen the sound',
  },
  {
    id: 'gate-early-silent',
    file: 'listening-gate.ts',
    find: '(detector?.slidingWindow ?? 1) - 1',
    replace: '0',
    tests: 'host/listening-gate',
    why: 'the detector window is not filled after a sleep',
  },
  {
    id: 'gate-front-end-hold',
    file: 'listening-gate.ts',
    find: '(window + delayFrames) * (frontEnd?.hop ?? 1)',
    replace: 'window + delayFrames',
    tests: 'host/listening-gate',
    why: 'the default hold counts rows as samples',
  },
]);

const rest = inFolder('host', [
  {
    id: 'gate-option-or-equal',
    file: 'command/gate-option.ts',
    find: "operator === '>='",
    replace: "operator === '>'",
    tests: 'host/cli-gate',
    why: '> and >= are exchanged',
  },
  {
    id: 'gate-plan-pre-roll',
    file: 'cli/plan-gate.ts',
    find: '(detector?.slidingWindow ?? 1) - 1',
    replace: '0',
    tests: 'host/cli-gate',
    why: 'plan forgets the outputs that fill the detector',
  },
  {
    id: 'gate-report-work',
    file: 'report/gate.ts',
    find: 'awakeMacs: Math.round(perFrame * sleep.frames)',
    replace: 'awakeMacs: Math.round(perFrame * sleep.framesRun)',
    tests: 'host/cli-gate',
    why: 'the report compares the work with itself',
  },
]);

const timing = inFolder('assembly/bundle', [
  {
    id: 'gate-kept-frames',
    file: 'timing.ts',
    find: 'framesNeeded(timing) + preRoll * timing.hop',
    replace: 'framesNeeded(timing) - 1 + preRoll * timing.hop',
    tests: 'property/gate',
    env: { RUNLET_GATES: '24' },
    why: 'the ring is one frame too short',
  },
]);

export const gate = [...session, ...rest, ...timing];
