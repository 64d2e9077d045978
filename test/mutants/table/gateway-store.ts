/** Faults in the state that a gateway stores, and in its trials. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: texts of source files
import { inFolder } from '../mutant.ts';

const hub = inFolder('host/gateway/hub', [
  {
    id: 'agreement-one-value',
    file: 'agreement.ts',
    find: 'agrees &&= values.length > 1 ? argmax(values) === argmax(other) : values[0] === other[0];',
    replace: 'agrees &&= argmax(values) === argmax(other);',
    tests: 'gateway/parts',
    why: 'outputs of a single value always agree',
  },
  {
    id: 'agreement-first-output',
    file: 'agreement.ts',
    find: 'agrees &&= values.length',
    replace: 'agrees = values.length',
    tests: 'gateway/parts',
    why: 'only the last output decides whether all agree',
  },
]);

const store = inFolder('host/gateway/store', [
  {
    id: 'fsync-file',
    file: 'disk.ts',
    find: 'sync = (): Promise<void> => this.#handle.sync();',
    replace: 'sync = async (): Promise<void> => {};',
    tests: 'gateway/disk',
    why: 'bytes are not synced to the disk',
  },
  {
    id: 'fsync-folder',
    file: 'disk.ts',
    find: '        await handle.sync();\n',
    replace: '',
    tests: 'gateway/disk',
    why: 'names are not synced to the disk',
  },
  {
    id: 'write-renamed-first',
    file: 'disk.ts',
    find: '      await file.write(bytes);\n      await file.sync();\n',
    replace: '      await file.write(bytes);\n',
    tests: 'gateway/disk',
    why: 'a file gets its name before its bytes are synced',
  },
  {
    id: 'state-floor-falls',
    file: 'state.ts',
    find: 'floor: Math.max(floor, staged.sequence),',
    replace: 'floor: staged.sequence,',
    tests: 'gateway/state-rules',
    why: 'an older bundle lowers the floor',
  },
  {
    id: 'state-previous-lost',
    file: 'state.ts',
    find: 'previous: active?.digest === staged.digest ? previous : active,',
    replace: 'previous: active,',
    tests: 'gateway/state-rules',
    why: 'confirming the same bundle twice makes it its own previous bundle',
  },
  {
    id: 'state-trial-kept',
    file: 'state.ts',
    find: 'withSlot(state, slot, (s) => ({ ...s, staged, trial: false }));',
    replace: 'withSlot(state, slot, (s) => ({ ...s, staged }));',
    tests: 'gateway/state-rules',
    why: 'a bundle that replaces one on trial is on trial at once',
  },
  {
    id: 'state-trial-of-nothing',
    file: 'state.ts',
    find: 'trial: s.staged !== undefined }',
    replace: 'trial: true }',
    tests: 'gateway/state-rules',
    why: 'a trial begins without a staged bundle',
  },
  {
    id: 'state-rollback-kept',
    file: 'state.ts',
    find: '? { ...s, active: previous, last:',
    replace: '? { ...s, active: previous, previous, last:',
    tests: 'gateway/state-rules',
    why: 'a rollback leads back to the same bundle',
  },
  {
    id: 'state-safe-late',
    file: 'state.ts',
    find: 'safeMode: crashes >= safeAfter',
    replace: 'safeMode: crashes > safeAfter',
    tests: 'gateway/state-rules',
    why: 'safe mode begins one crash late',
  },
  {
    id: 'state-crashes-after-stop',
    file: 'state.ts',
    find: 'const crashes = state.stopped ? 0 : state.crashes + 1;',
    replace: 'const crashes = state.stopped ? state.crashes : state.crashes + 1;',
    tests: 'gateway/state-rules',
    why: 'crashes before a stop count for ever',
  },
  {
    id: 'state-trial-survives',
    file: 'state.ts',
    find: 'if (staged && (trial || next.safeMode))',
    replace: 'if (staged && next.safeMode)',
    tests: 'gateway/state-rules',
    why: 'a trial continues after a crash',
  },
  {
    id: 'state-safe-stages',
    file: 'state.ts',
    find: 'if (staged && (trial || next.safeMode))',
    replace: 'if (staged && trial)',
    tests: 'gateway/state-rules',
    why: 'safe mode tries a staged bundle',
  },
  {
    id: 'state-referenced',
    file: 'state.ts',
    find: '[active, previous, staged, ...pool]',
    replace: '[active, staged, ...pool]',
    tests: 'gateway/state-rules',
    why: 'the previous bundle is deleted',
  },
  {
    id: 'state-checksum',
    file: 'state.ts',
    find: 'if (end <= 0 || text.slice(0, end) !== `${magic}${sha256(body)}`)',
    replace: 'if (end <= 0 || !text.startsWith(magic))',
    tests: 'gateway/state-rules',
    why: 'a changed state is accepted',
  },
]);

export const gatewayStore = [...hub, ...store];
