/**
 * The token of `runlet gateway`: given, refused by an option, or made at the first start and kept in the
 * state folder.
 *
 * In: options.  Out: the token, and what to say of it. A made one has 256 random bits; its file is for its
 * owner alone, and is whole or not there.
 */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { RunletError } from '../../models/error.ts';
import { tokenOf } from '../command/remote.ts';

export interface TokenArgs {
  state: string;
  host: string;
  tokenFile?: string;
  insecureNoToken?: boolean;
  clientCa?: string;
}

export interface GatewayToken {
  token?: string;
  /** Where clients on this machine find it. */
  file?: string;
  /** At this start. */
  made: boolean;
}

const loopback = new Set(['127.0.0.1', '::1', 'localhost']);
export const isLoopback = (host: string): boolean => loopback.has(host);

/** Before anything is opened. @throws RN862 */
export function checkTokenArgs({ host, tokenFile, insecureNoToken, clientCa }: TokenArgs): void {
  if (!insecureNoToken) return;
  if (tokenFile)
    throw new RunletError('RN862', {
      what: 'a token is both given and refused',
      where: '--token-file, --insecure-no-token',
      tryThis: 'one of them',
    });
  if (!isLoopback(host) && !clientCa)
    throw new RunletError('RN862', {
      what: 'anybody could flash this gateway',
      where: `--host ${host}`,
      why: 'it listens beyond this machine, and asks for nothing',
      tryThis: '--insecure-no-token on 127.0.0.1 alone, or --client-ca with --tls-cert and --tls-key',
    });
}

/** Client certificates stand for a token where none is given. @throws RN720, RN740 */
export async function gatewayToken({ state, tokenFile, insecureNoToken, clientCa }: TokenArgs): Promise<GatewayToken> {
  if (tokenFile) return { token: await tokenOf(tokenFile), file: tokenFile, made: false };
  if (insecureNoToken || clientCa) return { made: false };
  const path = join(state, 'token');
  const made = !existsSync(path);
  if (made) {
    const file = await open(`${path}.new`, 'w', 0o600);
    try {
      await file.writeFile(`${randomBytes(32).toString('hex')}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(`${path}.new`, path);
  }
  return { token: await tokenOf(path), file: path, made };
}

/** The page with its token, which a browser keeps to itself: what stands after # is never sent. */
export const pageLink = (url: string, token: string | undefined): string => (token ? `${url}/#token=${token}` : url);
