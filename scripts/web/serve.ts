/**
 * Serves a folder of static files on 127.0.0.1.
 *
 * In: a folder, a port (0: any).  Out: the address, and a function to stop.  Files that are added later are
 * not served.
 */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Served, serveFiles } from '../../host/cli/page-server.ts';

export type { Served } from '../../host/cli/page-server.ts';

export function serveFolder(folder: string, port = 0): Promise<Served> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const files = names.filter((name) => statSync(join(folder, name)).isFile());
  return serveFiles(new Map(files.map((name) => [name.replaceAll('\\', '/'), join(folder, name)])), port);
}
