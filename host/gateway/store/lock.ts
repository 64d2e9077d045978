/**
 * Lock of the state folder, so that only one gateway uses it. The operating system releases the lock when the
 * process ends in any way.
 *
 * In: a folder.  Out: a function that releases the lock.  Errors: RN802, RN864, RN875.
 * Rule: the lock is on the open file `lock`. The process number in the file is only for people. The file is
 * never removed, because two processes could then hold locks on two files of this name.
 * Source: open(2) with O_EXLOCK (macOS, BSD), CreateFile with share mode 0 (Windows), flock(2) elsewhere.
 * Node has no flock(2), so the program `flock` locks a descriptor that it inherits. The lock belongs to the
 * shared open file, so it stays after the program has ended.
 */
import { spawn } from 'node:child_process';
import { closeSync, constants, fstatSync, ftruncateSync, openSync, readFileSync, statSync, writeSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { RunletError } from '../../../models/error.ts';
import { diskError } from './disk.ts';

/** Flags with which open(2) or CreateFile locks (UV_FS_O_EXLOCK of libuv), by platform. */
const lockFlags: Partial<Record<NodeJS.Platform, number>> = {
  darwin: 0x20 | constants.O_NONBLOCK,
  freebsd: 0x20 | constants.O_NONBLOCK,
  openbsd: 0x20 | constants.O_NONBLOCK,
  win32: 0x10000000,
};
const exclusive = lockFlags[process.platform] ?? 0;
/** Error codes of `open` for a file that another process has locked. */
const heldCodes = new Set(['EAGAIN', 'EWOULDBLOCK', 'EBUSY', 'EPERM', 'EACCES']);

/** Attempts to get the lock, since a process that is ending still holds it for a moment. */
const tries = 4;
const pauseMs = 100;

/** Locks an open file for this process. @returns false if another process holds it. @throws RN875 */
function flock(fd: number, where: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const child = spawn('flock', ['-n', '3'], { stdio: ['ignore', 'ignore', 'pipe', fd] });
    let text = '';
    child.stderr?.on('data', (part) => {
      text = `${text}${part}`.slice(0, 500);
    });
    const fail = (why: string) =>
      reject(
        new RunletError('RN875', {
          what: 'the state folder cannot be locked',
          where,
          why,
          tryThis: 'install the program flock (util-linux or busybox), and keep the folder on a disk of this machine',
        }),
      );
    child.on('error', (error) => fail(error.message));
    child.on('close', (code, signal) => {
      if (code === 0 || (code === 1 && text === '')) resolve(code === 0);
      else fail(text.trim() || `flock ended with ${signal ?? code}`);
    });
  });
}

/** Tries to lock the file. @returns its descriptor, or undefined if another process holds the lock. */
async function tryLock(path: string): Promise<number | undefined> {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDWR | constants.O_CREAT | exclusive, 0o600);
  } catch (error) {
    if (exclusive && heldCodes.has((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw diskError(error, 'the lock');
  }
  try {
    // the lock on a file that was removed meanwhile has no effect
    if ((exclusive || (await flock(fd, path))) && isAt(fd, path)) return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  closeSync(fd);
  return undefined;
}

function isAt(fd: number, path: string): boolean {
  const [open, there] = [fstatSync(fd), statSync(path, { throwIfNoEntry: false })];
  return there?.ino === open.ino && there.dev === open.dev;
}

function holderOf(path: string): string {
  try {
    const pid = readFileSync(path, 'utf8').slice(0, 20).trim();
    return /^\d+$/.test(pid) ? `process ${pid} holds ${path}` : `a process holds ${path}`;
  } catch {
    return `a process holds ${path}`;
  }
}

/** Locks the state folder. @returns a function that releases it. @throws RN802, RN864, RN875 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  await mkdir(folder, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    throw diskError(error, 'the state folder');
  });
  const path = join(folder, 'lock');
  for (let i = 0; i < tries; i++) {
    if (i > 0) await sleep(pauseMs);
    const fd = await tryLock(path);
    if (fd === undefined) continue;
    try {
      ftruncateSync(fd);
      writeSync(fd, `${process.pid}\n`, 0);
    } catch {
      // the lock also holds if the disk is full
    }
    return async () => closeSync(fd);
  }
  throw new RunletError('RN864', {
    what: 'another gateway uses this folder',
    where: folder,
    why: holderOf(path),
    tryThis: 'use another --state, or stop that gateway; the lock ends with its process',
  });
}
