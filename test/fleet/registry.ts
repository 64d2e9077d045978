/**
 * A small registry for tests: one repository over HTTP, with optional errors.
 *
 * In: a module, the errors.  Out: its reference, and the requests that came. Source: OCI distribution
 * specification 1.1, pull only.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { configType, layerType, manifestType } from '../../host/gateway/fleet/oci.ts';
import { digestOf } from '../gateway/bundles.ts';

export interface RegistryOptions {
  /** Changes the manifest; the reference is that of the changed one. */
  manifest?: (manifest: Record<string, unknown>) => unknown;
  /** Bytes that are sent in place of the manifest. */
  sentManifest?: Uint8Array;
  /** Sends the module; by default unchanged. */
  blob?: (response: ServerResponse, request: IncomingMessage) => void;
  /** Required value of the header `Authorization`. */
  authorization?: string;
  /** Requires a token of the token service. `user`: credentials that the service requires. */
  tokens?: { token: string; user?: string; realm?: string; scope?: string };
}

export interface SeenRequest {
  path: string;
  authorization?: string;
}

export async function registryOf(module: Uint8Array, options: RegistryOptions = {}) {
  const config = new TextEncoder().encode('{}');
  const describe = (mediaType: string, bytes: Uint8Array) => ({
    mediaType,
    digest: `sha256:${digestOf(bytes)}`,
    size: bytes.length,
  });
  const plain = {
    schemaVersion: 2,
    mediaType: manifestType,
    config: describe(configType, config),
    layers: [describe(layerType, module)],
  };
  const manifest = new TextEncoder().encode(JSON.stringify(options.manifest ? options.manifest(plain) : plain));
  const seen: SeenRequest[] = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://registry');
    const { authorization } = request.headers;
    seen.push({ path: url.pathname, ...(authorization && { authorization }) });
    const refuse = (status: number, headers: Record<string, string> = {}) => response.writeHead(status, headers).end();
    if (url.pathname === '/token') {
      const user = options.tokens?.user;
      if (user && authorization !== `Basic ${Buffer.from(user).toString('base64')}`) return refuse(401);
      if (url.searchParams.get('service') !== 'tests' || url.searchParams.get('scope') !== 'repository:site/heart:pull')
        return refuse(400);
      return response.end(JSON.stringify({ token: options.tokens?.token }));
    }
    const wanted = options.tokens ? `Bearer ${options.tokens.token}` : options.authorization;
    if (wanted && authorization !== wanted) {
      const realm = options.tokens?.realm ?? `http://${request.headers.host}/token`;
      const scope = options.tokens?.scope ?? 'repository:site/heart:pull';
      return refuse(
        401,
        options.tokens ? { 'www-authenticate': `Bearer realm="${realm}",service="tests",scope="${scope}"` } : {},
      );
    }
    if (url.pathname === `/v2/site/heart/manifests/sha256:${digestOf(manifest)}`)
      return response.writeHead(200, { 'content-type': manifestType }).end(options.sentManifest ?? manifest);
    if (url.pathname !== `/v2/site/heart/blobs/sha256:${digestOf(module)}` && !url.pathname.startsWith('/storage'))
      return refuse(404);
    if (options.blob && !url.pathname.startsWith('/storage')) return options.blob(response, request);
    response.writeHead(200, { 'content-length': module.length }).end(module);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    host,
    reference: `oci://${host}/site/heart@sha256:${digestOf(manifest)}`,
    seen,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}
