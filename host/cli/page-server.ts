/**
 * Serves files on 127.0.0.1 to a browser on this machine.
 *
 * In: files by name, a port (0: any free port).  Out: the address, and a function that stops the server. Only
 * these files are served. The Host header must name this machine, which stops DNS rebinding: a foreign page
 * that resolves its name to this address sends its own name. The headers isolate the page from other origins,
 * which gives it clocks with a resolution of 5 microseconds.
 */
import { createReadStream } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname } from 'node:path';

/** Files by name, without a leading slash: bytes, or the path of a file. `index.html` is the page. */
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

/** Allowed values of the Host header. Any port is allowed, since a tunnel has its own. */
const ownHost = /^(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?$/i;

/** Returns the name of the requested file, or the status and text of a refusal. */
function asked(
  files: ServedFiles,
  { headers: { host = '' }, method = '', url = '' }: IncomingMessage,
): { name?: string; status: number; text?: string } {
  if (!ownHost.test(host)) return { status: 403, text: 'only this machine may read this page\n' };
  if (method !== 'GET' && method !== 'HEAD') return { status: 405, text: 'only GET and HEAD are allowed\n' };
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

/** Starts the server. @throws NodeJS.ErrnoException if the port cannot be used. */
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
