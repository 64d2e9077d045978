/** Faults in the collection of windows: policies, the store, and what is copied. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: texts of source files
import { inFolder } from '../mutant.ts';

export const gatewayCollect = inFolder('host/gateway/collect', [
  {
    id: 'collect-erase-plain',
    file: 'windows.ts',
    find: '      await eraseFile(this.#disk, this.#at(name));\n      this.#gone.delete(name);',
    replace: '      await this.#disk.unlink(this.#at(name));\n      this.#gone.delete(name);',
    tests: 'gateway/collect-store',
    why: 'a deleted window is removed without being overwritten',
  },
  {
    id: 'collect-part-plain',
    file: 'windows.ts',
    find: ', (part) => eraseFile(this.#disk, part)',
    replace: '',
    tests: 'gateway/collect-store',
    why: 'a window that did not fit on the disk is removed without being overwritten',
  },
  {
    id: 'collect-gone-late',
    file: 'windows.ts',
    find: 'await this.#disk.rename(this.#at(name), `${this.#at(name)}.gone`);\n    this.#gone.add(`${name}.gone`);',
    replace: 'this.#gone.add(name);',
    tests: 'gateway/collect-store',
    why: 'a crash during a deletion leaves a window that is half zeros',
  },
  {
    id: 'collect-eighth',
    file: 'windows.ts',
    find: 'const keptShare = 8;',
    replace: 'const keptShare = 1e9;',
    tests: 'gateway/collect-store',
    why: 'the less useful kinds keep no room',
  },
  {
    id: 'collect-place',
    file: 'seal.ts',
    find: 'createCipheriv(cipher, key, nonce).setAAD(Buffer.from(place))',
    replace: 'createCipheriv(cipher, key, nonce)',
    tests: 'gateway/collect-store',
    why: 'the place of an encrypted window is not authenticated',
  },
  {
    id: 'collect-window-shifted',
    file: 'slot-collection.ts',
    find: 'const windowFrom = to - manifest.window;',
    replace: 'const windowFrom = to - manifest.window + 1;',
    tests: 'gateway/collect',
    why: 'a window begins one tick late',
  },
  {
    id: 'collect-budget-burst',
    file: 'policies.ts',
    find: 'labelsPerDay: Math.max(1, perDay - burst)',
    replace: 'labelsPerDay: perDay',
    tests: 'gateway/collect',
    why: 'a budget is exceeded by what can be spent at once',
  },
  {
    id: 'collect-sure-first',
    file: 'policies.ts',
    find: '=> 1 / (1 + margin)',
    replace: '=> margin / (1 + margin)',
    tests: 'gateway/collect',
    why: 'the windows that are sure count as uncertain',
  },
]);
