/**
 * What the verbs that speak to a gateway share: its address, token and certificates, and what runs there, for people.
 *
 * In: options.  Out: a client; lines.
 */
import { readFile } from 'node:fs/promises';
import { RunletError } from '../../models/error.ts';
import type { SlotStatus } from '../gateway/gateway.ts';
import { GatewayClient } from '../gateway/http/client.ts';

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

/** @throws RN720, RN740, RN860 */
export async function clientOf({ to, tokenFile, tlsCa, tlsCert, tlsKey }: RemoteOptions): Promise<GatewayClient> {
  const [ca, cert, key] = await Promise.all([tlsCa, tlsCert, tlsKey].map((path) => (path ? fileOf(path) : undefined)));
  return new GatewayClient({ url: to, token: await tokenOf(tokenFile), ...((ca || cert || key) && { tls: { ca, cert, key } }) });
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
