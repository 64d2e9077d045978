/**
 * The real disk: `writeWhole` syncs the bytes of the file before its name and the names of the folder after
 * it, each by a system call.
 *
 * Checked twice: through Node's file handles, and with strace if it is installed.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { fstatSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { nodeDisk, writeWhole } from '../../host/gateway/store/disk.ts';

const folder = mkdtempSync(join(tmpdir(), 'runlet-disk-'));
test.after(() => rmSync(folder, { recursive: true }));
const source = join(import.meta.dirname, '../../host/gateway/store/disk.ts');

/** Runs `run` and records each sync of a file handle: the inode and the file's size at that time. */
async function withSyncs(run: () => Promise<void>): Promise<{ ino: number; bytes: number }[]> {
  const syncs: { ino: number; bytes: number }[] = [];
  const some = await open(import.meta.filename ?? source);
  const handles = Object.getPrototypeOf(some) as FileHandle;
  await some.close();
  const { sync } = handles;
  handles.sync = async function (this: FileHandle) {
    const { ino, size } = fstatSync(this.fd);
    syncs.push({ ino, bytes: size });
    return sync.call(this);
  };
  try {
    await run();
  } finally {
    handles.sync = sync;
  }
  return syncs;
}

test('a file that is written whole is synced with all its bytes, and then its folder is synced', async () => {
  const disk = nodeDisk(folder);
  await disk.makeFolder('blobs');
  const syncs = await withSyncs(() => writeWhole(disk, 'blobs', 'one', new Uint8Array(100_000)));
  const [file, names] = [statSync(join(folder, 'blobs/one')), statSync(join(folder, 'blobs'))];
  assert.equal(
    syncs.map(({ ino }) => ino),
    [file.ino, names.ino],
  );
  assert.is(syncs[0]?.bytes, 100_000);
});

test('each sync of an open file or of a folder is a system call', async () => {
  const disk = nodeDisk(folder);
  const file = await disk.create('log');
  await file.write(new Uint8Array(10));
  const syncs = await withSyncs(async () => {
    await file.sync();
    await disk.syncFolder('.');
    await file.close();
    const again = await disk.open('log', 4);
    await again.write(new Uint8Array(3));
    await again.sync();
    await again.close();
  });
  const { ino } = statSync(join(folder, 'log'));
  assert.equal(
    syncs.map((one) => [one.ino, one.ino === ino ? one.bytes : 0]),
    [
      [ino, 10],
      [statSync(folder).ino, 0],
      [ino, 7],
    ],
  );
});

const strace = spawnSync('strace', ['-V']).status === 0;
if (!strace) console.log('  skipped: the calls of the system as strace sees them, which is not here');
else
  test('the system calls are write, fsync of the file, rename and fsync of the folder, in this order', async () => {
    const script = join(folder, 'write.mjs');
    const text = `import { nodeDisk, writeWhole } from ${JSON.stringify(source)};
      await writeWhole(nodeDisk(process.argv[2]), '.', 'state', new TextEncoder().encode('a state to keep'));`;
    await build({
      stdin: { contents: text, resolveDir: folder },
      outfile: script,
      bundle: true,
      platform: 'node',
      format: 'esm',
      logLevel: 'error',
    });
    const log = join(folder, 'strace.log');
    const calls = 'trace=openat,open,write,pwrite64,fsync,fdatasync,rename,renameat,renameat2';
    execFileSync('strace', ['-f', '-y', '-e', calls, '-o', log, process.execPath, script, folder]);
    const found: string[] = [];
    for (const line of readFileSync(log, 'utf8').split('\n')) {
      const [, call = '', rest = ''] = /^\d+ +(?:<\.\.\. )?(\w+)(.*)$/.exec(line) ?? [];
      if (/^p?write(64)?$/.test(call) && rest.includes('a state to keep')) found.push('write');
      if (/^f(data)?sync$/.test(call) && rest.includes('state.part>')) found.push('sync of the file');
      if (call.startsWith('rename') && rest.includes('state.part')) found.push('rename');
      if (/^f(data)?sync$/.test(call) && rest.includes(`${folder}>`)) found.push('sync of the folder');
    }
    assert.equal(found, ['write', 'sync of the file', 'rename', 'sync of the folder']);
  });

test.run();
