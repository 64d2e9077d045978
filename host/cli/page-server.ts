/**
 * Serves plain files on 127.0.0.1, to this machine's own browser.
 *
 * In: files by name, a port (0: any that is free).  Out: the address, and a way to stop.  Nothing but those
 * files is served. A request says an address of this machine in Host: a page whose name was bound to it (DNS
 * rebinding) says its own. The headers isolate the page from other origins, which gives it clocks of 5
 * microseconds.
 */
import { createReadStream } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname } from 'node:path';

/** Bytes, or the path of a file with them. By name, without a slash in front; `index.html` is the page. */
export type ServedFiles = ReadonlyMap<string, Uint8Array | string>;

export interface Served {
  address: string;
  close: () => Promise<void>;
}

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
  '.wav': 'audio/wav',
};

const headers = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
  'cross-origin-resource-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-cache',
};

/** The port may be another one: a tunnel has its own. */
const ownHost = /^(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?$/i;

/** Name of the file that is asked for, or why there is none. */
function asked(
  files: ServedFiles,
  { headers: { host = '' }, method = '', url = '' }: IncomingMessage,
): { name?: string; status: number; text?: string } {
  if (!ownHost.test(host)) return { status: 403, text: 'only this machine is served\n' };
  if (method !== 'GET' && method !== 'HEAD') return { status: 405, text: 'files are read only\n' };
  const [path = ''] = url.split(/[?#]/);
  const name = path === '/' ? 'index.html' : path.slice(1);
  return path.startsWith('/') && files.has(name) ? { name, status: 200 } : { status: 404, text: 'no such file\n' };
}

function answer(files: ServedFiles, request: IncomingMessage, response: ServerResponse): void {
  const { name, status, text } = asked(files, request);
  const type = name === undefined ? 'text/plain' : (types[extname(name)] ?? 'application/octet-stream');
  response.writeHead(status, { ...headers, 'content-type': type });
  const file = name === undefined ? text : files.get(name);
  if (request.method === 'HEAD') response.end();
  else if (name === undefined || typeof file !== 'string') response.end(file);
  else
    createReadStream(file)
      .on('error', () => response.destroy())
      .pipe(response);
}

/** @throws NodeJS.ErrnoException the port cannot be used */
export async function serveFiles(files: ServedFiles, port = 0): Promise<Served> {
  const server = createServer((request, response) => answer(files, request, response));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
