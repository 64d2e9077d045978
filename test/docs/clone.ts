/**
 * A folder that looks like a fresh clone, for the commands of one page.
 *
 * In: nothing.  Out: a temporary folder with links to the repository's entries and an empty out/; commands
 * run in it in order. A command runs once; the same line again returns the stored result. Background
 * processes end with the folder.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { root } from '../shared.ts';

export interface Result {
  code: number | null;
  /** Standard output and standard error, in order of arrival. */
  text: string;
}

export class Clone {
  private readonly folder = mkdtempSync(join(tmpdir(), 'runlet-docs-'));
  private readonly done = new Map<string, Promise<Result>>();
  private readonly background: number[] = [];

  constructor() {
    const own = new Set(['out', '.git', 'runlet-demo']);
    for (const name of readdirSync(root)) if (!own.has(name)) symlinkSync(join(root, name), join(this.folder, name));
    mkdirSync(join(this.folder, 'out'));
  }

  write(path: string, text: string): void {
    mkdirSync(dirname(join(this.folder, path)), { recursive: true });
    writeFileSync(join(this.folder, path), text);
  }

  /** Runs a line of a page in a shell; `npx runlet` is the command of the repository. */
  line(line: string): Promise<Result> {
    const known = this.done.get(line);
    if (known) return known;
    const python = process.env.RUNLET_PYTHON ?? 'python3';
    const direct = line
      .replace(/(?:\bnpx |\.\/)runlet\b/g, `'${process.execPath}' host/cli/bin.js`)
      .replace(/^python\b/, `'${python}'`)
      .replace(/^npx /, 'npx --no-install ');
    const result = this.run('sh', ['-c', direct]);
    this.done.set(line, result);
    return result;
  }

  run(command: string, args: string[]): Promise<Result> {
    return new Promise((resolve) => {
      const env = { ...process.env, FORCE_COLOR: '0', COLUMNS: '200' };
      const child = spawn(command, args, { cwd: this.folder, env, detached: true });
      if (child.pid !== undefined && args.at(-1)?.endsWith('&')) this.background.push(child.pid);
      let text = '';
      for (const stream of [child.stdout, child.stderr])
        stream.setEncoding('utf8').on('data', (part: string) => {
          text += part;
        });
      child.on('error', (error) => resolve({ code: null, text: error.message }));
      child.on('close', (code) => resolve({ code, text }));
    });
  }

  remove(): void {
    for (const pid of this.background)
      try {
        process.kill(-pid, 'SIGKILL'); // kills the group of the shell that started it; a normal stop would still write files
      } catch {
        // it has ended already
      }
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 20 });
  }
}
