/**
 * Shared by the verbs that talk to a gateway: its address, token and certificates, and the text that shows
 * what runs on it.
 *
 * In: options.  Out: a client; lines of text.
 */
import { readFile } from 'node:fs/promises';
import { RunletError } from '../../models/error.ts';
import type { SlotStatus } from '../gateway/gateway.ts';
import { checkTls, type TlsParts } from '../remote/certificates.ts';
import { GatewayClient } from '../remote/client.ts';
import { group, input, path, text } from './options.ts';

/** Credentials for a gateway. */
export const doorArgs = {
  // not checked in advance: `status --wait` may start before the gateway has written this file
  tokenFile: path("File with the gateway's token"),
  tlsCa: input("CA certificate that verifies the gateway's certificate (PEM)"),
  tlsCert: input('Client certificate, if the gateway asks for one (PEM)'),
  tlsKey: input('Key of the client certificate (PEM)'),
};
const slot = text('Slot of the gateway', { default: 'main', hint: 'name' });

export const remoteArgs = group('Gateway', {
  to: text('Address of the gateway', { required: true, hint: 'http://host:8080' }),
  slot,
  ...doorArgs,
});

/** Options of verbs whose target may also be a device or a fleet. */
export const targetArgs = group('Gateway or device', {
  to: text(
    'Address of a gateway, or serial: and the port of a device',
    { hint: 'address' },
    { wants: 'the address of a gateway, such as http://HOST:8080, or serial: and a port', test: /^(https?|serial):/i },
  ),
  slot,
  ...doorArgs,
});

/** Reads a file. @throws RN720 */
export async function fileOf(path: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await readFile(path));
  } catch (error) {
    throw new RunletError('RN720', { what: 'this file cannot be opened', where: path, why: (error as Error).message });
  }
}

/** Reads a token from a file; undefined without a path. @throws RN720, RN740 */
export async function tokenOf(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  const token = new TextDecoder().decode(await fileOf(path)).trim();
  if (/^\S{16,}$/.test(token)) return token;
  throw new RunletError('RN740', {
    what: 'this file does not hold a token',
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
 * Reads the TLS files that options name. @param prefix option prefix for messages: `tls` for `--tls-ca`.
 * @returns undefined if no file is named. @throws RN720, RN866
 */
export async function tlsOf(paths: { [K in keyof TlsParts]?: string }, prefix: string): Promise<TlsParts | undefined> {
  const { ca, cert, key } = paths;
  if (!ca && !cert && !key) return undefined;
  const [caBytes, certBytes, keyBytes] = await Promise.all([ca, cert, key].map((path) => (path ? fileOf(path) : undefined)));
  const name = (part: keyof TlsParts) => `--${prefix}-${part}${paths[part] ? ` ${paths[part]}` : ''}`;
  return checkTls({ ca: caBytes, cert: certBytes, key: keyBytes }, { ca: name('ca'), cert: name('cert'), key: name('key') });
}

/** Makes a client for the gateway that the options name. @throws RN720, RN740, RN860, RN866 */
export async function clientOf({ to, tokenFile, tlsCa, tlsCert, tlsKey }: RemoteOptions): Promise<GatewayClient> {
  const tls = await tlsOf({ ca: tlsCa, cert: tlsCert, key: tlsKey }, 'tls');
  return new GatewayClient({ url: to, token: await tokenOf(tokenFile), tls });
}

const releaseText = ({ name, version, sequence }: { name: string; version: string; sequence: number }): string =>
  `${name} ${version} (sequence ${sequence})`;

/** Describes a slot: one [name, text] pair per line. */
export function slotLines({ active, previous, staged, trial, streams, last, report }: SlotStatus): [string, string][] {
  const lines: [string, string][] = [
    ['running', active ? `${releaseText(active)}${streams ? `, ${streams} stream${streams > 1 ? 's' : ''}` : ''}` : 'nothing'],
  ];
  if (previous) lines.push(['previous', releaseText(previous)]);
  if (staged) lines.push([trial ? 'on trial' : 'staged', `${releaseText(staged)}${trial && report ? `, ${report.phase}` : ''}`]);
  if (last?.result === 'reverted') lines.push(['reverted', `${releaseText(last)}: ${last.code} ${last.why}`]);
  return lines;
}

export const lineText = ([name, text]: readonly [string, string]): string => `${name.padEnd(11)} ${text}\n`;
