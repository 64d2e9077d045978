/**
 * The token of `runlet gateway`: read from a file, switched off by an option, or created at the first start
 * and stored in the state folder.
 *
 * In: options.  Out: the token and the path of its file. A new token has 256 random bits. Only the owner can
 * read its file, which is created atomically.  Errors: RN720, RN740, RN862.
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
  /** Path of its file, for clients on this machine. */
  file?: string;
  /** True if this start has created it. */
  made: boolean;
}

const loopback = new Set(['127.0.0.1', '::1', 'localhost']);
export const isLoopback = (host: string): boolean => loopback.has(host);

/** Checks the options of the token before the gateway opens anything. @throws RN862 */
export function checkTokenArgs({ host, tokenFile, insecureNoToken, clientCa }: TokenArgs): void {
  if (!insecureNoToken) return;
  if (tokenFile)
    throw new RunletError('RN862', {
      what: 'the options give a token and switch it off',
      where: '--token-file, --insecure-no-token',
      tryThis: 'use one of them',
    });
  if (!isLoopback(host) && !clientCa)
    throw new RunletError('RN862', {
      what: 'anybody could flash this gateway',
      where: `--host ${host}`,
      why: 'other machines can reach it, and it requires no token',
      tryThis: 'use --insecure-no-token only on 127.0.0.1, or use --client-ca with --tls-cert and --tls-key',
    });
}

/** Returns the token. With client certificates the gateway needs none. @throws RN720, RN740 */
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

/** Returns the link of the page with its token. A browser never sends the part after #. */
export const pageLink = (url: string, token: string | undefined): string => (token ? `${url}/#token=${token}` : url);
