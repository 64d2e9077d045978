/**
 * What the verbs that speak to a gateway share: its address, token and certificates, and what runs there, for
 * people.
 *
 * In: options.  Out: a client; lines.
 */
import { readFile } from 'node:fs/promises';
import { RunletError } from '../../models/error.ts';
import type { SlotStatus } from '../gateway/gateway.ts';
import { checkTls, type TlsParts } from '../remote/certificates.ts';
import { GatewayClient } from '../remote/client.ts';
import { group, input, path, text } from './options.ts';

/** How a gateway is reached. */
const doorArgs = {
  // `status --wait` is there before the gateway that makes this file
  tokenFile: path('File with the token of the gateway'),
  tlsCa: input("Certificate that the gateway's one is held against (PEM)"),
  tlsCert: input('Own certificate, where the gateway wants one (PEM)'),
  tlsKey: input('Its key (PEM)'),
};
const slot = text('Slot of the gateway', { default: 'main', hint: 'name' });

export const remoteArgs = group('The gateway', {
  to: text('Address of the gateway', { required: true, hint: 'http://host:8080' }),
  slot,
  ...doorArgs,
});

/** The same where the other side may be a device or a fleet. */
export const targetArgs = group('The other side', {
  to: text(
    'Address of a gateway, or `serial:` and the port of a device',
    { hint: 'address' },
    { wants: 'the address of a gateway, such as http://HOST:8080, or serial: and a port', test: /^(https?|serial):/i },
  ),
  slot,
  ...doorArgs,
});

/** @throws RN720 */
export async function fileOf(path: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await readFile(path));
  } catch (error) {
    throw new RunletError('RN720', { what: 'this file cannot be opened', where: path, why: (error as Error).message });
  }
}

/** A token is one line. @throws RN720, RN740 */
export async function tokenOf(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  const token = new TextDecoder().decode(await fileOf(path)).trim();
  if (/^\S{16,}$/.test(token)) return token;
  throw new RunletError('RN740', {
    what: 'this file holds no token',
    where: path,
    why: 'a token is one word of 16 characters or more',
    tryThis: 'openssl rand -hex 32 > FILE',
  });
}

interface RemoteOptions {
  to: string;
  tokenFile?: string;
  tlsCa?: string;
  tlsCert?: string;
  tlsKey?: string;
}

/**
 * The files of TLS that options name, `prefix` before `-ca`, `-cert` and `-key` in messages.
 * @returns undefined where none is named @throws RN720, RN866
 */
export async function tlsOf(paths: { [K in keyof TlsParts]?: string }, prefix: string): Promise<TlsParts | undefined> {
  const { ca, cert, key } = paths;
  if (!ca && !cert && !key) return undefined;
  const [caBytes, certBytes, keyBytes] = await Promise.all([ca, cert, key].map((path) => (path ? fileOf(path) : undefined)));
  const name = (part: keyof TlsParts) => `--${prefix}-${part}${paths[part] ? ` ${paths[part]}` : ''}`;
  return checkTls({ ca: caBytes, cert: certBytes, key: keyBytes }, { ca: name('ca'), cert: name('cert'), key: name('key') });
}

/** @throws RN720, RN740, RN860, RN866 */
export async function clientOf({ to, tokenFile, tlsCa, tlsCert, tlsKey }: RemoteOptions): Promise<GatewayClient> {
  const tls = await tlsOf({ ca: tlsCa, cert: tlsCert, key: tlsKey }, 'tls');
  return new GatewayClient({ url: to, token: await tokenOf(tokenFile), tls });
}

const called = ({ name, version, sequence }: { name: string; version: string; sequence: number }): string =>
  `${name} ${version} (sequence ${sequence})`;

/** What a slot holds, a line each: name of the line, text. */
export function slotLines({ active, previous, staged, trial, streams, last, report }: SlotStatus): [string, string][] {
  const lines: [string, string][] = [
    ['runs', active ? `${called(active)}${streams ? `, ${streams} stream${streams > 1 ? 's' : ''}` : ''}` : 'nothing'],
  ];
  if (previous) lines.push(['before', called(previous)]);
  if (staged) lines.push([trial ? 'on trial' : 'staged', `${called(staged)}${trial && report ? `, ${report.phase}` : ''}`]);
  if (last?.result === 'reverted') lines.push(['given up', `${called(last)}: ${last.code} ${last.why}`]);
  return lines;
}

export const lineText = ([name, text]: readonly [string, string]): string => `${name.padEnd(11)} ${text}\n`;
