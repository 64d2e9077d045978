/**
 * Pulls a bundle from an OCI registry: the manifest by its digest, then its only layer.
 *
 * In: `oci://registry/repository@sha256:...`.  Out: the module's bytes, with verified digests.
 * Errors: RN852, RN854, RN855.
 * Source: OCI distribution specification 1.1, and the CNCF's layout of Wasm artifacts.
 * Rule: sizes are checked before and during the transfer. With `hosts`, no request goes to any other host,
 * also not for redirects or tokens, so that a registry cannot direct requests into the gateway's network.
 * Credentials are sent only to the registry; a name with a password only to its token service. They never
 * follow a redirect to another host. The protocol is HTTPS, except for a registry on this machine.
 */
import { createHash } from 'node:crypto';
import * as v from 'valibot';
import { RunletError } from '../../../models/error.ts';
import { issuesText } from './messages.ts';

export const configType = 'application/vnd.wasm.config.v0+json';
export const layerType = 'application/wasm';
export const manifestType = 'application/vnd.oci.image.manifest.v1+json';

const maxManifestBytes = 256 << 10;
const maxTokenBytes = 64 << 10;
/** Longest token. A choice: the usual limit of servers for a header. */
const maxTokenLength = 8192;
const maxRedirects = 5;

export interface OciReference {
  registry: string;
  repository: string;
  digest: string;
}

export interface PullOptions {
  maxBytes: number;
  /** Hosts that may get requests, with a port if it is not 443; any host if undefined. */
  hosts?: readonly string[];
  /** A bearer token, or `name:password` for the registry's token service. */
  credentials?: string;
  timeoutMs?: number;
  signal?: AbortSignal;
}

const repositoryText = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const registryText = /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-f:]+\])(?::\d{1,5})?$/;

/** Parses a reference. @throws RN852 */
export function ociReference(text: string): OciReference {
  const [, registry = '', repository = '', digest = ''] = /^oci:\/\/([^/]+)\/([^@]+)@sha256:([0-9a-f]{64})$/.exec(text) ?? [];
  if (digest && registryText.test(registry) && repositoryText.test(repository) && repository.length <= 255)
    return { registry, repository, digest };
  throw new RunletError('RN852', {
    what: 'this is not a reference to a bundle in a registry',
    where: text.slice(0, 80),
    why: 'the form is oci://REGISTRY/REPOSITORY@sha256: and 64 lower-case hex digits; a tag is not accepted, because it can change',
    tryThis: 'use the digest that `oras push` prints',
  });
}

/** Returns a registry's host in the form of URLs: lower case, without port 443. */
export const hostOf = (registry: string): string => new URL(`https://${registry}`).host;

/** Parses a list of hosts, such as `ghcr.io,pkg-containers.githubusercontent.com`. @throws RN852 */
export const registryHosts = (text: string): string[] =>
  text.split(',').map((part) => {
    const host = part.trim();
    if (registryText.test(host) && URL.canParse(`https://${host}`)) return hostOf(host);
    throw new RunletError('RN852', {
      what: 'this is not the host of a registry',
      where: `--registry ${JSON.stringify(text.slice(0, 80))}`,
      why: 'it takes hosts, separated by commas, with a port if it is not 443',
      tryThis: 'for example --registry ghcr.io,pkg-containers.githubusercontent.com',
    });
  });

const loopback = new Set(['127.0.0.1', '[::1]', 'localhost']);
const isLocal = (url: URL): boolean => loopback.has(url.hostname);

const descriptor = v.object({
  mediaType: v.string(),
  digest: v.pipe(v.string(), v.regex(/^sha256:[0-9a-f]{64}$/)),
  size: v.pipe(v.number(), v.integer(), v.minValue(1)),
});
const manifestSchema = v.object({
  schemaVersion: v.literal(2),
  config: v.object({ mediaType: v.literal(configType) }),
  layers: v.pipe(v.array(descriptor), v.length(1)),
});

class Pull {
  #reference: OciReference;
  #options: PullOptions;
  #signal: AbortSignal;
  #authorization?: string;

  constructor(reference: OciReference, options: PullOptions) {
    this.#reference = reference;
    this.#options = options;
    const { credentials, signal, timeoutMs = 60_000 } = options;
    const timeout = AbortSignal.timeout(timeoutMs);
    this.#signal = signal ? AbortSignal.any([signal, timeout]) : timeout;
    if (credentials && !credentials.includes(':')) this.#authorization = `Bearer ${credentials}`;
  }

  refused(why: string): RunletError {
    const { registry, repository } = this.#reference;
    return new RunletError('RN854', {
      what: 'the registry did not send the bundle',
      where: `${registry}/${repository}`,
      why,
      tryThis: 'check the reference, the connection to the registry, and the permission of the token',
    });
  }

  wrong(why: string): RunletError {
    const { registry, repository } = this.#reference;
    return new RunletError('RN855', {
      what: 'the registry sent something other than the requested bundle',
      where: `${registry}/${repository}`,
      why,
      tryThis: `push an artifact with config ${configType} and one layer ${layerType}; then pull it again`,
    });
  }

  get base(): URL {
    const { registry, repository } = this.#reference;
    const url = new URL(`https://${registry}/v2/${repository}/`);
    if (isLocal(url)) url.protocol = 'http:';
    return url;
  }

  /** Checks that a URL may get a request. @throws RN854 */
  #allow(url: URL, what: string, from = this.base): void {
    const { hosts } = this.#options;
    const plain = url.protocol === 'http:' && isLocal(url) && isLocal(from);
    if (url.protocol !== 'https:' && !plain) throw this.refused(`${what} ${url.protocol}//${url.host}, which is not HTTPS`);
    if (hosts && !hosts.includes(url.host)) throw this.refused(`${what} ${url.host}, which is none of --registry`);
  }

  /** Sends a request and follows its redirects. */
  async #ask(from: URL, accept: string, authorization?: string): Promise<Response> {
    let url = from;
    for (let redirects = 0; ; redirects++) {
      let response: Response;
      try {
        response = await fetch(url, {
          redirect: 'manual',
          signal: this.#signal,
          // the digest belongs to the stored bytes, so no compression
          headers: {
            accept,
            'accept-encoding': 'identity',
            ...(authorization && url.origin === from.origin && { authorization }),
          },
        });
      } catch (error) {
        throw this.#failed(error);
      }
      if (![301, 302, 303, 307, 308].includes(response.status)) return response;
      await response.body?.cancel();
      if (redirects >= maxRedirects) throw this.refused(`it redirects more than ${maxRedirects} times`);
      const location = response.headers.get('location') ?? '';
      if (!URL.canParse(location, url.href)) throw this.refused('it redirects to an invalid address');
      const next = new URL(location, url);
      this.#allow(next, 'it redirects to', url);
      url = next;
    }
  }

  #failed(error: unknown): RunletError {
    const { name, message, cause } = error as Error & { cause?: Error };
    if (name === 'TimeoutError') return this.refused(`it took more than ${(this.#options.timeoutMs ?? 60_000) / 1000} s`);
    if (name === 'AbortError') return this.refused('the request was cancelled');
    return this.refused(cause?.message || message);
  }

  async #read(response: Response, maxBytes: number): Promise<Uint8Array> {
    const announced = Number(response.headers.get('content-length') ?? 0);
    const tooLarge = (bytes: number) => this.wrong(`it has at least ${bytes} bytes, and the limit is ${maxBytes}`);
    let total = 0;
    try {
      if (announced > maxBytes) throw tooLarge(announced);
      // one buffer instead of a list of parts: parts of one byte would take far more memory than their bytes
      const whole = new Uint8Array(maxBytes);
      for await (const part of response.body ?? []) {
        if (total + part.length > maxBytes) throw tooLarge(total + part.length);
        whole.set(part, total);
        total += part.length;
      }
      return whole.slice(0, total);
    } catch (error) {
      throw error instanceof RunletError ? error : this.#failed(error);
    } finally {
      await response.body?.cancel().catch(() => {});
    }
  }

  /** Gets the bytes of a path and checks their digest. If the registry requires a token, gets it once. */
  async get(path: string, accept: string, digest: string, maxBytes: number): Promise<Uint8Array> {
    const url = new URL(path, this.base);
    this.#allow(url, 'this leads to');
    let response = await this.#ask(url, accept, this.#authorization);
    if (response.status === 401) {
      const challenge = response.headers.get('www-authenticate') ?? '';
      await response.body?.cancel();
      this.#authorization = await this.#token(challenge);
      response = await this.#ask(url, accept, this.#authorization);
    }
    if (response.status !== 200) {
      await response.body?.cancel();
      throw this.refused(`it answers ${response.status} to ${path.slice(0, 24)}…`);
    }
    const bytes = await this.#read(response, maxBytes);
    const found = createHash('sha256').update(bytes).digest('hex');
    if (found !== digest)
      throw this.wrong(`the SHA-256 of ${bytes.length} bytes is ${found.slice(0, 12)}…, not ${digest.slice(0, 12)}…`);
    return bytes;
  }

  /** Gets the token for a challenge `Bearer realm=...,service=...,scope=...`. */
  async #token(challenge: string): Promise<string> {
    const { credentials } = this.#options;
    if (!/^bearer /i.test(challenge)) throw this.refused('it requires an unknown form of credentials');
    const fields = new Map(
      [...challenge.matchAll(/\b(\w{1,32})="([^"]{0,2048})"/g)].map(([, key = '', value = '']) => [key, value]),
    );
    const realm = fields.get('realm') ?? '';
    if (!URL.canParse(realm)) throw this.refused('it names no token service');
    const url = new URL(realm);
    this.#allow(url, 'its token service is');
    const service = fields.get('service');
    if (service) url.searchParams.set('service', service);
    // only this scope, because a challenge could ask for other repositories or for push
    url.searchParams.set('scope', `repository:${this.#reference.repository}:pull`);
    const basic = credentials?.includes(':') ? `Basic ${Buffer.from(credentials).toString('base64')}` : undefined;
    const response = await this.#ask(url, 'application/json', basic);
    if (response.status !== 200) {
      await response.body?.cancel();
      throw this.refused(`its token service answers ${response.status}`);
    }
    const text = new TextDecoder().decode(await this.#read(response, maxTokenBytes));
    const found = v.safeParse(v.object({ token: v.optional(v.string()), access_token: v.optional(v.string()) }), jsonOf(text));
    const token = found.success ? (found.output.token ?? found.output.access_token) : undefined;
    if (!token || token.length > maxTokenLength || !/^[\x21-\x7e]+$/.test(token))
      throw this.refused('its token service sends no valid token');
    return `Bearer ${token}`;
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Pulls a bundle. @throws RN854 if the registry does not send it, RN855 if it sends something else */
export async function pullBundle(reference: OciReference, options: PullOptions): Promise<Uint8Array> {
  const pull = new Pull(reference, options);
  const bytes = await pull.get(`manifests/sha256:${reference.digest}`, manifestType, reference.digest, maxManifestBytes);
  const manifest = v.safeParse(manifestSchema, jsonOf(new TextDecoder().decode(bytes)));
  if (!manifest.success) throw pull.wrong(`the manifest is not that of a module: ${issuesText(manifest.issues)}`);
  const [layer] = manifest.output.layers as [v.InferOutput<typeof descriptor>];
  if (layer.mediaType !== layerType) throw pull.wrong(`its layer is ${JSON.stringify(layer.mediaType.slice(0, 60))}`);
  if (layer.size > options.maxBytes) throw pull.wrong(`the bundle has ${layer.size} bytes, and the limit is ${options.maxBytes}`);
  const digest = layer.digest.slice('sha256:'.length);
  const module = await pull.get(`blobs/${layer.digest}`, '*/*', digest, layer.size);
  if (module.length !== layer.size) throw pull.wrong(`it has ${module.length} bytes, and the manifest says ${layer.size}`);
  return module;
}
