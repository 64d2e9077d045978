/**
 * Opens a page in the user's browser.
 *
 * In: an address on this machine.  Out: nothing.  If there is no browser, prints the address to stderr.
 */
import { spawn } from 'node:child_process';

export function openPage(url: string): void {
  const commands: Partial<Record<NodeJS.Platform, string[]>> = { darwin: ['open', url], win32: ['cmd', '/c', 'start', '', url] };
  const [command = 'xdg-open', ...rest] = commands[process.platform] ?? ['xdg-open', url];
  spawn(command, rest, { stdio: 'ignore', detached: true })
    .on('error', () => process.stderr.write(`no browser was found; open ${url}\n`))
    .unref();
}
