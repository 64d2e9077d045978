/** Faults on the way from collected windows to a recalibrated bundle: provenance, the comparison, the fit. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: texts of source files
import { inFolder } from '../mutant.ts';

const stated = inFolder('assembly/bundle', [
  {
    id: 'provenance-files',
    file: 'provenance.ts',
    find: 'v.maxLength(provenanceLimits.files)',
    replace: 'v.maxLength(1e9)',
    tests: 'host/provenance',
    why: 'a manifest may state any number of files',
  },
  {
    id: 'provenance-count',
    file: 'provenance.ts',
    find: '({ windows = 0, reasons',
    replace: '({ windows = 1e9, reasons',
    tests: 'host/provenance',
    why: 'windows are chosen for a reason in a file without windows',
  },
  {
    id: 'provenance-dropped',
    file: 'make-manifest.ts',
    find: 'carriesState: carriesState(graph) || undefined, provenance };',
    replace: 'carriesState: carriesState(graph) || undefined };',
    tests: 'host/provenance',
    why: 'the manifest loses its provenance',
  },
]);

const read = inFolder('host', [
  {
    id: 'provenance-twice',
    file: 'command/provenance.ts',
    find: 'for (const { reasons } of about.output)',
    replace: 'for (const { reasons } of about.output.slice(1))',
    tests: 'host/provenance',
    why: 'the first window of a set is not counted',
  },
  {
    id: 'window-set-today',
    file: 'remote/window-set.ts',
    find: 'Object.assign(new ZipPassThrough(name), { mtime })',
    replace: 'new ZipPassThrough(name)',
    tests: 'host/provenance',
    why: 'the same windows give another file on another day',
  },
]);

const compared = inFolder('host', [
  {
    id: 'recalibrate-both',
    file: 'cli/recalibrate.ts',
    find: "one.labelled && one.reasons.includes('random') ? 'eval' : 'calib'",
    replace: "one.labelled && one.reasons.includes('drift') ? 'eval' : 'calib'",
    tests: 'gateway/recalibrate',
    why: 'labelled random windows calibrate, and none judges',
  },
  {
    id: 'recalibrate-worse',
    file: 'cli/recalibrate.ts',
    find: "if (found?.verdict !== 'worse' || force) return;",
    replace: 'if (found?.verdict !== undefined || force) return;',
    tests: 'gateway/recalibrate',
    why: 'a bundle that is clearly worse is installed',
  },
  {
    id: 'compare-few',
    file: 'learn/compare.ts',
    find: 'decided = effectiveCount(weights)',
    replace: 'decided = 1000 * effectiveCount(weights)',
    tests: 'learn/compare',
    why: 'a single window decides which version is better',
  },
  {
    id: 'compare-swapped',
    file: 'learn/compare.ts',
    find: 'if (change > 0) worse++;',
    replace: 'if (change < 0) worse++;',
    tests: 'learn/compare',
    why: 'the worse version counts as the better one',
  },
  {
    id: 'collect-label-order',
    file: 'gateway/collect/windows.ts',
    find: '    this.#discount(before);\n',
    replace: '    this.#drop(before);\n',
    tests: 'gateway/collect-http',
    why: 'a label moves a window to the end of the list, so pages skip others',
  },
]);

export const outAgain = [...stated, ...read, ...compared];
