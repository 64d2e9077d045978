/**
 * Faults in the front end's tables, in the writing of ONNX, and in the common code of the command's verbs.
 */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: texts of source files
import { inFolder } from '../mutant.ts';

const frontend = inFolder('models/frontend', [
  {
    id: 'mel-weight-not-rounded',
    file: 'filter-bank.ts',
    find: 'Math.floor(f32(f32(x * 4096) + 0.5))',
    replace: 'Math.floor(f32(x * 4096))',
    tests: 'frontend/reference,frontend/parameters',
    why: 'filter weights are truncated',
  },
  {
    id: 'mel-one-bin-more',
    file: 'filter-bank.ts',
    find: 'bin < bins && melOf(bin) <= to;',
    replace: 'bin < bins && melOf(bin - 1) <= to;',
    tests: 'frontend/parameters,frontend/reference',
    why: 'each band has one bin too many',
  },
  {
    id: 'mel-last-bin',
    file: 'filter-bank.ts',
    find: 'if (bin >= bins) return undefined;',
    replace: '',
    tests: 'frontend/parameters',
    why: 'a band beyond half the sample rate is accepted',
  },
  {
    id: 'log-table-end',
    file: 'log-table.ts',
    find: '{ length: logSegments + 1 }',
    replace: '{ length: logSegments }',
    tests: 'frontend/integers,frontend/reference',
    why: 'the last segment has no end',
  },
  {
    id: 'pcan-last-interval',
    file: 'pcan-table.ts',
    find: 'table.set([y0, slope, end - slope], 4 * interval - 6);',
    replace: 'table.set([y0, slope, end], 4 * interval - 6);',
    tests: 'frontend/reference',
    why: "the gain's parabolas end too high",
  },
  {
    id: 'float32-once',
    file: 'float32.ts',
    find: 'f32(1127 * log1p(f32(hz / 700)))',
    replace: '1127 * log1p(hz / 700)',
    tests: 'frontend/parameters,frontend/reference',
    why: 'the mel scale is computed in double precision',
  },
]);

const qdq = { RUNLET_QDQ_NETWORKS: '10' };
const write = inFolder('models/write/onnx', [
  {
    id: 'border-no-transpose',
    file: 'border.ts',
    find: 'if (equal(orders.from, orders.to)) return',
    replace: 'if (orders.from.length === orders.to.length) return',
    tests: 'write/qdq',
    env: qdq,
    why: 'elements of a file with another order are not reordered',
  },
  {
    id: 'border-unit-axes',
    file: 'border.ts',
    find: 'order.filter((a) => shape[a] > 1)',
    replace: 'order.filter((a) => shape[a] > 2)',
    tests: 'write/qdq',
    env: qdq,
    why: 'an axis of length 2 is treated as length 1',
  },
]);

const cli = inFolder('host/cli', [
  {
    id: 'exit-check-end',
    file: '../command/args.ts',
    find: 'Array.from({ length: 26 }, (_, i) => 815 + i)',
    replace: 'Array.from({ length: 25 }, (_, i) => 815 + i)',
    tests: 'host/cli-rules',
    why: 'the last refusal code of a gateway is taken as an input error',
  },
  {
    id: 'exit-unsupported',
    file: '../command/args.ts',
    find: 'if (/^RN[123]/.test(error.code))',
    replace: 'if (/^RN[12]/.test(error.code))',
    tests: 'host/cli-rules',
    why: 'an operator that is not supported is taken as bad input',
  },
  {
    id: 'option-end',
    file: '../command/options.ts',
    find: 'value >= min && value <= max &&',
    replace: 'value >= min && value < max &&',
    tests: 'host/cli-rules',
    why: 'the largest value of an option is refused',
  },
  {
    id: 'option-blank',
    file: '../command/options.ts',
    find: "const value = text.trim() === '' ? Number.NaN : Number(text);",
    replace: 'const value = Number(text);',
    tests: 'host/cli-rules',
    why: 'an empty value is read as zero',
  },
  {
    id: 'option-whole',
    file: '../command/options.ts',
    find: '(!whole || Number.isInteger(value))',
    replace: '(!whole || value > 0)',
    tests: 'host/cli-rules',
    why: 'a fraction is accepted where a whole number is needed',
  },
  {
    id: 'options-value-is-option',
    file: '../command/parse.ts',
    find: "!token.inlineValue && value.startsWith('--')",
    replace: "value.startsWith('--')",
    tests: 'host/cli-rules',
    why: '--name=--other is refused',
  },
  {
    id: 'options-negated-text',
    file: '../command/parse.ts',
    find: 'if (!read) for (const spelling of [`no-',
    replace: 'for (const spelling of [`no-',
    tests: 'host/cli-rules',
    why: '--no- before an option with a value is accepted',
  },
  {
    id: 'project-flags',
    file: 'project.ts',
    find: '|| texts.has(name))',
    replace: '|| (texts.has(name) && name === "calib"))',
    tests: 'host/make',
    why: 'a value that a flag overrides is reported as read from runlet.json',
  },
  {
    id: 'project-other-model',
    file: 'project.ts',
    find: 'if (named !== undefined && !quantised && !same(named, model)) return plain;',
    replace: '',
    tests: 'host/make',
    why: 'runlet.json is applied to another model',
  },
  {
    id: 'make-hop-kept',
    file: '../command/load.ts',
    find: 'return withSettings(graph, { hop, mode,',
    replace: 'return withSettings(graph, { mode,',
    tests: 'host/make',
    why: 'the hop is not written to the int8 file',
  },
  {
    id: 'rows-none',
    file: 'rows.ts',
    find: 'if (!Number.isInteger(rows) || rows < 1)',
    replace: 'if (!Number.isInteger(rows))',
    tests: 'host/cli-rules',
    why: 'an empty array is compared and counts as equal',
  },
  {
    id: 'rows-order',
    file: 'rows.ts',
    find: 'row.map((_v, i) => row[map[i] as number] as number) as T',
    replace: 'row.map((_v, i) => row[map.indexOf(i)] as number) as T',
    tests: 'host/cli-rules',
    why: 'a window is reordered with the inverse permutation',
  },
  {
    id: 'read-limit-pipe',
    file: '../command/read-file.ts',
    find: 'if (total > limitBytes) throw',
    replace: 'if (total > 2 * limitBytes + 2) throw',
    tests: 'host/cli-rules',
    why: 'a pipe is read beyond the limit',
  },
  {
    id: 'read-named-device',
    file: '../command/read-file.ts',
    find: "if (!about.isFile()) throw new Error('it is not a regular file');\n    if (",
    replace: 'if (',
    tests: 'host/cli-rules',
    why: 'a device that a file names is read',
  },
]);

const signals = inFolder('host/sources', [
  {
    id: 'columns-known-last',
    file: 'columns.ts',
    find: 'const known = options.columns ?? (',
    replace: 'const known = options.columns ?? options.columns ?? (false &&',
    tests: 'host/columns',
    why: 'the columns that the model names are ignored',
  },
  {
    id: 'columns-time-name',
    file: 'columns.ts',
    find: '/^(t|time.*|t[ _]',
    replace: '/^(t|time|t[ _]',
    tests: 'host/web-rules',
    why: 'time_s is taken as a value',
  },
  {
    id: 'columns-truth-in',
    file: 'columns.ts',
    find: '(isTime(name) || isTruth(name))',
    replace: 'isTime(name)',
    tests: 'host/columns',
    why: 'the truth is taken as an input of the model',
  },
  {
    id: 'columns-family-of-one',
    file: 'columns.ts',
    find: "?? '-') ?? 0) > 1",
    replace: "?? '-') ?? 0) > 0",
    tests: 'host/columns',
    why: 'a single numbered column counts as one of several',
  },
  {
    id: 'columns-row-number',
    file: 'columns.ts',
    find: 'step > 1.1 && step < 900',
    replace: 'step < 900',
    tests: 'host/columns',
    why: 'row numbers are taken as milliseconds',
  },
]);

const truths = inFolder('host/report', [
  {
    id: 'truth-middle',
    file: '../statistics.ts',
    find: 'values[from + ((to - from) >> 1)]',
    replace: 'values[to - 1]',
    tests: 'host/report',
    why: 'the truth in the middle is that of the end',
  },
  {
    id: 'truth-majority',
    file: '../statistics.ts',
    find: 'if (n > (counts.get(best) ?? 0)) best = value;',
    replace: 'best = value;',
    tests: 'host/report',
    why: 'the majority is the last class',
  },
]);

const verify = inFolder('host/gateway/verify', [
  {
    id: 'verify-floor',
    file: 'verify.ts',
    find: 'if (sequence <= floor)',
    replace: 'if (sequence < floor)',
    tests: 'gateway/refusals',
    why: 'the bundle at the floor is accepted again',
  },
  {
    id: 'verify-digest',
    file: 'verify.ts',
    find: 'if (found === announced) return found;',
    replace: 'if (found.slice(0, 8) === announced.slice(0, 8) || announced) return found;',
    tests: 'gateway/refusals',
    why: 'bytes with another digest are accepted',
  },
  {
    id: 'verify-rate',
    file: 'verify.ts',
    find: "['samples a second', rate(running), rate(next)],",
    replace: '',
    tests: 'gateway/refusals',
    why: 'a bundle with another sample rate continues the stream',
  },
]);

const chains = inFolder('models/stream', [
  {
    id: 'chain-crop',
    file: 'chain.ts',
    find: 'if (surplus > 0) add',
    replace: 'if (surplus > wanted.t) add',
    tests: 'property/chain',
    why: 'unread frames at the end of a window become rows of the next model',
    env: { RUNLET_NETWORKS: '1' },
  },
  {
    id: 'chain-stride',
    file: 'chain.ts',
    find: 'strideT: rule.stride }',
    replace: 'strideT: node.attrs.strideT }',
    tests: 'property/chain',
    why: 'a layer with a single row keeps its stride, which has no effect',
    env: { RUNLET_NETWORKS: '1' },
  },
  {
    id: 'chain-padding',
    file: 'chain.ts',
    find: 'if (rule.pad[0] !== 0 || rule.pad[1] !== 0)',
    replace: 'if (rule.pad[0] !== 0)',
    tests: 'property/chain',
    why: 'a window with padding at its end slides over the signal',
    env: { RUNLET_NETWORKS: '1' },
  },
  {
    id: 'chain-mean',
    file: '../ops/globalavg.ts',
    find: "overC || (quantised && rule !== 'avgpool')",
    replace: 'overC || (quantised && overF)',
    tests: 'property/chain',
    why: 'a mean that rounds once becomes a pool that rounds differently',
    env: { RUNLET_NETWORKS: '100' },
  },
]);

const placements = inFolder('models/report', [
  {
    id: 'placements-skip',
    file: 'placements.ts',
    find: 'const limit = Math.max((kernel - 1) * dilation + 1, given);',
    replace: 'const limit = rest;',
    tests: 'stages/placements',
    why: 'a layer gets a stride that skips rows of its input',
  },
  {
    id: 'placements-joins',
    file: 'placements.ts',
    find: 'else if (before.every((j) => j === jump))',
    replace: 'else',
    tests: 'stages/placements',
    why: 'branches with different strides meet',
  },
  {
    id: 'placements-front',
    file: 'placements.ts',
    find: 'row.good = row.stateBytes < least || isEqual === true;',
    replace: 'row.good = row.stateBytes <= least;',
    tests: 'stages/placements',
    why: 'a placement with more work and the same state is called good',
  },
]);

export const more = [...frontend, ...chains, ...write, ...cli, ...signals, ...truths, ...verify, ...placements];
