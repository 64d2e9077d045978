/**
 * What the verbs that speak to a gateway share: its address, token and certificates, and what runs there, for people.
 *
 * In: options.  Out: a client; lines.
 */
import { readFile } from 'node:fs/promises';
import { RunletError } from '../../models/error.ts';
import type { SlotStatus } from '../gateway/gateway.ts';
import { checkTls, type TlsParts } from '../remote/certificates.ts';
import { GatewayClient } from '../remote/client.ts';

export const remoteArgs = {
  to: {
    type: 'string',
    required: true,
    description: 'Address of the gateway, or `serial:` and a port',
    valueHint: 'http://host:8080',
  },
  tokenFile: { type: 'string', description: 'File with the token of the gateway', valueHint: 'file' },
  tlsCa: { type: 'string', description: "Certificate that the gateway's one is held against (PEM)", valueHint: 'file' },
  tlsCert: { type: 'string', description: 'Own certificate, where the gateway wants one (PEM)', valueHint: 'file' },
  tlsKey: { type: 'string', description: 'Its key (PEM)', valueHint: 'file' },
} as const;

export const slotArg = {
  slot: { type: 'string', default: 'main', description: 'Slot of the gateway', valueHint: 'name' },
} as const;

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
