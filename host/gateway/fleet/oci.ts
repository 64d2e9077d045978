/**
 * Pulls a bundle from an OCI registry: the manifest by its digest, then its one layer. OCI distribution
 * specification 1.1, and the CNCF's layout of Wasm artifacts.
 *
 * In: `oci://registry/repository@sha256:...`.  Out: the module's bytes, whose digests are those that were
 * said, or RN854, RN855. Sizes are bounded before and while bytes come. With `hosts`, no other host is asked
 * for anything, wherever redirects and the registry's service for tokens lead, so a registry cannot make a
 * gateway ask its own network. Credentials go to the registry (and a name with a password to its service for
 * tokens) alone: never to where a redirect leads on another host. HTTPS, but for a registry on this machine.
 */
import { createHash } from 'node:crypto';
import * as v from 'valibot';
import { RunletError } from '../../../models/error.ts';
import { issuesText } from './messages.ts';

export const configType = 'application/vnd.wasm.config.v0+json';
export const layerType = 'application/wasm';
export const manifestType = 'application/vnd.oci.image.manifest.v1+json';

const mostManifestBytes = 256 << 10;
const mostTokenBytes = 64 << 10;
/** Choice: what servers take as a header. */
const mostTokenLength = 8192;
const mostRedirects = 5;

export interface OciReference {
  registry: string;
  repository: string;
  digest: string;
}

export interface PullOptions {
  mostBytes: number;
  /** Hosts that may be asked, with a port where it is not HTTPS's; undefined: any. */
  hosts?: readonly string[];
  /** A bearer token, or `name:password` for the registry's token service. */
  credentials?: string;
  timeoutMs?: number;
  signal?: AbortSignal;
}

const repositoryText = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const registryText = /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-f:]+\])(?::\d{1,5})?$/;

/** @throws RN852 */
export function ociReference(text: string): OciReference {
  const [, registry = '', repository = '', digest = ''] = /^oci:\/\/([^/]+)\/([^@]+)@sha256:([0-9a-f]{64})$/.exec(text) ?? [];
  if (digest && registryText.test(registry) && repositoryText.test(repository) && repository.length <= 255)
    return { registry, repository, digest };
  throw new RunletError('RN852', {
    what: 'this is no reference to a bundle in a registry',
    where: text.slice(0, 80),
    why: 'it is oci://REGISTRY/REPOSITORY@sha256: and 64 lower-case hex digits; a tag can be moved, so it is not taken',
    tryThis: '`oras push` prints the digest',
  });
}

/** A registry's host as a URL has it: lower case, without the port of HTTPS. */
export const hostOf = (registry: string): string => new URL(`https://${registry}`).host;

/** `ghcr.io,pkg-containers.githubusercontent.com`. @throws RN852 */
export const registryHosts = (text: string): string[] =>
  text.split(',').map((part) => {
    const host = part.trim();
    if (registryText.test(host) && URL.canParse(`https://${host}`)) return hostOf(host);
    throw new RunletError('RN852', {
      what: 'this is no host of a registry',
      where: `--registry ${JSON.stringify(text.slice(0, 80))}`,
      why: 'it takes hosts, with a port where it is not 443, and commas between',
      tryThis: '--registry ghcr.io,pkg-containers.githubusercontent.com',
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
      what: 'the registry did not give the bundle',
      where: `${registry}/${repository}`,
      why,
      tryThis: 'whether the reference is right, the registry can be reached from here, and the token may read it',
    });
  }

  wrong(why: string): RunletError {
    const { registry, repository } = this.#reference;
    return new RunletError('RN855', {
      what: 'what the registry gave is not the bundle that was said',
      where: `${registry}/${repository}`,
      why,
      tryThis: `an artifact with config ${configType} and one layer ${layerType}; pull it again`,
    });
  }

  get base(): URL {
    const { registry, repository } = this.#reference;
    const url = new URL(`https://${registry}/v2/${repository}/`);
    if (isLocal(url)) url.protocol = 'http:';
    return url;
  }

  /** @throws RN854 */
  #allow(url: URL, what: string, from = this.base): void {
    const { hosts } = this.#options;
    const plain = url.protocol === 'http:' && isLocal(url) && isLocal(from);
    if (url.protocol !== 'https:' && !plain) throw this.refused(`${what} ${url.protocol}//${url.host}, which is not HTTPS`);
    if (hosts && !hosts.includes(url.host)) throw this.refused(`${what} ${url.host}, which is none of --registry`);
  }

  /** One request, its redirects followed. */
  async #ask(from: URL, accept: string, authorization?: string): Promise<Response> {
    let url = from;
    for (let redirects = 0; ; redirects++) {
      let response: Response;
      try {
        response = await fetch(url, {
          redirect: 'manual',
          signal: this.#signal,
          // the digest is of the bytes as they are stored
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
      if (redirects >= mostRedirects) throw this.refused(`it redirects more than ${mostRedirects} times`);
      const location = response.headers.get('location') ?? '';
      if (!URL.canParse(location, url.href)) throw this.refused('it redirects to nowhere');
      const next = new URL(location, url);
      this.#allow(next, 'it redirects to', url);
      url = next;
    }
  }

  #failed(error: unknown): RunletError {
    const { name, message, cause } = error as Error & { cause?: Error };
    if (name === 'TimeoutError') return this.refused(`it took more than ${(this.#options.timeoutMs ?? 60_000) / 1000} s`);
    if (name === 'AbortError') return this.refused('it is no longer wanted');
    return this.refused(cause?.message || message);
  }

  async #read(response: Response, most: number): Promise<Uint8Array> {
    const said = Number(response.headers.get('content-length') ?? 0);
    const tooLarge = (bytes: number) => this.wrong(`${bytes} bytes or more, and ${most} are taken`);
    let total = 0;
    try {
      if (said > most) throw tooLarge(said);
      // not a list of parts: a byte each, they would take far more than the bytes
      const whole = new Uint8Array(most);
      for await (const part of response.body ?? []) {
        if (total + part.length > most) throw tooLarge(total + part.length);
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

  /** Bytes of a path, whose digest is checked. Where the registry asks for a token, it is fetched once. */
  async get(path: string, accept: string, digest: string, most: number): Promise<Uint8Array> {
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
    const bytes = await this.#read(response, most);
    const found = createHash('sha256').update(bytes).digest('hex');
    if (found !== digest)
      throw this.wrong(`the SHA-256 of ${bytes.length} bytes is ${found.slice(0, 12)}…, not ${digest.slice(0, 12)}…`);
    return bytes;
  }

  /** The token that a challenge `Bearer realm=...,service=...,scope=...` asks for. */
  async #token(challenge: string): Promise<string> {
    const { credentials } = this.#options;
    if (!/^bearer /i.test(challenge)) throw this.refused('it asks for credentials in a way that is not known here');
    const fields = new Map(
      [...challenge.matchAll(/\b(\w{1,32})="([^"]{0,2048})"/g)].map(([, key = '', value = '']) => [key, value]),
    );
    const realm = fields.get('realm') ?? '';
    if (!URL.canParse(realm)) throw this.refused('it names no service for tokens');
    const url = new URL(realm);
    this.#allow(url, 'its service for tokens is');
    const service = fields.get('service');
    if (service) url.searchParams.set('service', service);
    // never more than this: a challenge may ask for other repositories, or to push
    url.searchParams.set('scope', `repository:${this.#reference.repository}:pull`);
    const basic = credentials?.includes(':') ? `Basic ${Buffer.from(credentials).toString('base64')}` : undefined;
    const response = await this.#ask(url, 'application/json', basic);
    if (response.status !== 200) {
      await response.body?.cancel();
      throw this.refused(`its service for tokens answers ${response.status}`);
    }
    const text = new TextDecoder().decode(await this.#read(response, mostTokenBytes));
    const found = v.safeParse(v.object({ token: v.optional(v.string()), access_token: v.optional(v.string()) }), jsonOf(text));
    const token = found.success ? (found.output.token ?? found.output.access_token) : undefined;
    if (!token || token.length > mostTokenLength || !/^[\x21-\x7e]+$/.test(token))
      throw this.refused('its service for tokens gives none');
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

/** @throws RN854 the registry, RN855 what it gave */
export async function pullBundle(reference: OciReference, options: PullOptions): Promise<Uint8Array> {
  const pull = new Pull(reference, options);
  const bytes = await pull.get(`manifests/sha256:${reference.digest}`, manifestType, reference.digest, mostManifestBytes);
  const manifest = v.safeParse(manifestSchema, jsonOf(new TextDecoder().decode(bytes)));
  if (!manifest.success) throw pull.wrong(`the manifest is none of a module: ${issuesText(manifest.issues)}`);
  const [layer] = manifest.output.layers as [v.InferOutput<typeof descriptor>];
  if (layer.mediaType !== layerType) throw pull.wrong(`its layer is ${JSON.stringify(layer.mediaType.slice(0, 60))}`);
  if (layer.size > options.mostBytes) throw pull.wrong(`the bundle has ${layer.size} bytes, and ${options.mostBytes} are taken`);
  const digest = layer.digest.slice('sha256:'.length);
  const module = await pull.get(`blobs/${layer.digest}`, '*/*', digest, layer.size);
  if (module.length !== layer.size) throw pull.wrong(`it has ${module.length} bytes, and ${layer.size} were said`);
  return module;
}
