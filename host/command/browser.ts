/**
 * Opens a page in the user's browser.
 *
 * In: an address of this machine.  Out: nothing; where there is no browser, a line on stderr.
 */
import { spawn } from 'node:child_process';

export function openPage(url: string): void {
  const commands: Partial<Record<NodeJS.Platform, string[]>> = { darwin: ['open', url], win32: ['cmd', '/c', 'start', '', url] };
  const [command = 'xdg-open', ...rest] = commands[process.platform] ?? ['xdg-open', url];
  spawn(command, rest, { stdio: 'ignore', detached: true })
    .on('error', () => process.stderr.write(`no browser was found; open ${url}\n`))
    .unref();
}
