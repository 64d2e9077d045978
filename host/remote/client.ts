/**
 * GatewayClient: HTTP client of a gateway, for `runlet flash`, `rollback` and `status`.
 *
 * In: an address, a token, certificates.  Out: the gateway's responses.
 * Errors: the gateway's refusals, with their codes; RN860 if it cannot be reached, RN861 if the server is not
 * a gateway, RN867 to RN869 for TLS (tls-errors.ts). After a broken connection, an upload continues at the
 * gateway's offset.
 */
import { createHash } from 'node:crypto';
import { request as plainRequest } from 'node:http';
import { request as secureRequest } from 'node:https';
import { RunletError } from '../../models/error.ts';
import type { AgreementJson, SentLabels, WindowLabels } from '../gateway/collect/questions.ts';
import type { KeptJson, WindowJson } from '../gateway/collect/window-json.ts';
import type { GatewayStatus, SlotStatus } from '../gateway/gateway.ts';
import type { TrialReport } from '../gateway/hub/events.ts';
import type { TrialOptions } from '../gateway/hub/trial.ts';
import type { Stored } from '../gateway/store/state.ts';
import type { Verified } from '../gateway/verify/verify.ts';
import type { CheckResult } from '../gateway/worker/messages.ts';
import type { WindowLabel } from '../learn/label-schema.ts';
import type { TlsParts } from './certificates.ts';
import { tlsFailure } from './tls-errors.ts';

export interface ClientOptions {
  url: string;
  token?: string;
  tls?: TlsParts;
  /** Largest number of consecutive retries after a broken connection; 8 (half a minute) by default. */
  tries?: number;
}

/** Callbacks during an upload. */
export interface Progress {
  /** The gateway has `received` bytes. */
  seen?: (received: number) => void;
  /** The connection broke, for the `failed`th time in a row. The next attempt is after `waitMs`. */
  broke?: (about: { at: number; why: string; failed: number; tries: number; waitMs: number }) => void;
}

interface Answer {
  status: number;
  headers: NodeJS.Dict<string | string[]>;
  body: unknown;
}

const pieceBytes = 64 << 10;
const maxAnswerBytes = 4 << 20;

export class GatewayClient {
  readonly #url: URL;
  readonly #options: ClientOptions;
  /** True after the first response. A connection that ends later was not refused because of a certificate. */
  #answered = false;

  /** @throws RN860 */
  constructor(options: ClientOptions) {
    this.#options = options;
    const url = URL.canParse(options.url) ? new URL(options.url) : undefined;
    if (!url || !/^https?:$/.test(url.protocol))
      throw new RunletError('RN860', {
        what: 'this is not the address of a gateway',
        where: options.url,
        tryThis: 'use an address such as http://127.0.0.1:8080',
      });
    this.#url = url;
  }

  /** Sends one request. @throws RN860, RN861, RN867, RN868, RN869 */
  #once(method: string, path: string, headers: Record<string, string> = {}, body?: Uint8Array): Promise<Answer> {
    const { token, tls } = this.#options;
    const url = new URL(path, this.#url);
    const send = url.protocol === 'https:' ? secureRequest : plainRequest;
    const asBuffer = (bytes?: Uint8Array) => bytes && Buffer.from(bytes);
    return new Promise((resolve, reject) => {
      let secured = false;
      const fail = (error: Error) =>
        reject(
          tlsFailure(error, { url, secured: secured && !this.#answered, shown: tls?.cert !== undefined }) ??
            new RunletError('RN860', {
              what: 'the gateway cannot be reached',
              where: url.origin,
              // the message is empty if several addresses of one name fail
              why: error.message || (error as NodeJS.ErrnoException).code,
              tryThis: 'check that it is running and that the address is right',
            }),
        );
      const request = send(
        url,
        {
          method,
          headers: { ...(token && { authorization: `Bearer ${token}` }), 'content-length': `${body?.length ?? 0}`, ...headers },
          timeout: 30_000,
          ...(tls && { ca: asBuffer(tls.ca), cert: asBuffer(tls.cert), key: asBuffer(tls.key) }),
        },
        (response) => {
          this.#answered = true;
          const parts: Buffer[] = [];
          let total = 0;
          response.on('data', (part: Buffer) => {
            parts.push(part);
            total += part.length;
            if (total > maxAnswerBytes) request.destroy(new Error('the answer is too long'));
          });
          response.on('error', fail);
          response.on('end', () => {
            const text = Buffer.concat(parts).toString();
            try {
              resolve({
                status: response.statusCode ?? 0,
                headers: response.headers,
                body: text === '' ? undefined : JSON.parse(text),
              });
            } catch {
              reject(noGateway(url, `its answer is not JSON (status ${response.statusCode})`));
            }
          });
        },
      );
      request.on('timeout', () => request.destroy(new Error('no answer within 30 seconds')));
      if (url.protocol === 'https:' && !this.#answered)
        request.on('socket', (socket) =>
          socket.once('secureConnect', () => {
            secured = true;
          }),
        );
      request.on('error', fail);
      request.end(body);
    });
  }

  /** Sends one request; returns the body. @throws RN860, RN861, RN867 to RN869, and the gateway's refusals */
  async #ask<T>(method: string, path: string, headers?: Record<string, string>, body?: Uint8Array): Promise<T> {
    const answer = await this.#once(method, path, headers, body);
    if (answer.status < 400) return answer.body as T;
    const { error } = (answer.body ?? {}) as { error?: { code?: unknown; what?: unknown } };
    if (typeof error?.code !== 'string' || !/^RN\d{3}$/.test(error.code) || typeof error.what !== 'string')
      throw noGateway(this.#url, `status ${answer.status}`);
    const { code, ...parts } = error as { code: string; what: string };
    throw new RunletError(code, parts);
  }

  #json<T>(method: string, path: string, value?: object): Promise<T> {
    const body = value && new TextEncoder().encode(JSON.stringify(value));
    return this.#ask(method, path, body && { 'content-type': 'application/json' }, body);
  }

  /** Returns an upload's offset, or undefined if the gateway does not have it. @throws RN860 and others */
  async #offset(location: string): Promise<number | undefined> {
    const { status, headers } = await this.#once('GET', location);
    if (status === 404) return undefined;
    const offset = Number(headers['upload-offset'] ?? Number.NaN);
    if (status < 400 && Number.isSafeInteger(offset)) return offset;
    throw noGateway(this.#url, `it gives no offset for the upload (status ${status})`);
  }

  /**
   * Sends a bundle in pieces, then its digest. After a broken connection it retries, and continues at the
   * gateway's offset, also after a restart of the gateway.
   */
  async upload<T>(bytes: Uint8Array, slot: string, query: string, { seen, broke }: Progress): Promise<T> {
    const { tries = 8 } = this.#options;
    const digest = createHash('sha256').update(bytes).digest('hex');
    const begin = async () => {
      const headers = { 'upload-length': `${bytes.length}` };
      return (await this.#ask<{ location: string }>('POST', `/v1/uploads?slot=${encodeURIComponent(slot)}`, headers)).location;
    };
    let location = await begin();
    let at = 0;
    for (let failed = 0, ask = false; ; )
      try {
        if (ask) {
          const found = await this.#offset(location);
          const staged = found === undefined && query === '' && (await this.#staged(slot, digest));
          if (staged) return { slot, staged } as T;
          if (found === undefined) location = await begin();
          at = found ?? 0;
          ask = false;
        }
        if (at >= bytes.length) return await this.#ask<T>('PUT', `${location}?digest=sha256:${digest}${query}`);
        const piece = bytes.subarray(at, at + pieceBytes);
        const { offset } = await this.#ask<{ offset: number }>('PATCH', location, { 'upload-offset': `${at}` }, piece);
        if (offset > at) failed = 0;
        at = offset;
        seen?.(at);
      } catch (error) {
        // after a broken connection the gateway may still be busy with the old request
        const again = error instanceof RunletError && (error.code === 'RN860' || (error.code === 'RN807' && failed > 0));
        if (!again || failed >= tries) throw error;
        const waitMs = Math.min(8000, 250 * 2 ** failed++);
        broke?.({ at, why: error.parts.why ?? error.parts.what, failed, tries, waitMs });
        await new Promise((resolve) => setTimeout(resolve, waitMs));
        ask = true;
      }
  }

  /** Returns the staged bundle if it is this one: the response to the last request may have been lost. */
  async #staged(slot: string, digest: string): Promise<Stored | undefined> {
    const { slots } = await this.status();
    const staged = slots.find((one) => one.slot === slot)?.staged;
    return staged?.digest === digest ? staged : undefined;
  }

  /** Uploads a bundle. @returns the staged bundle. */
  flash = (bytes: Uint8Array, slot: string, progress: Progress = {}): Promise<{ staged: Stored }> =>
    this.upload(bytes, slot, '', progress);
  /** Uploads a bundle that the gateway verifies and checks, but does not store. */
  examine = (
    bytes: Uint8Array,
    slot: string,
    progress: Progress = {},
  ): Promise<{ verified: Omit<Verified, 'manifest'>; check: CheckResult }> => this.upload(bytes, slot, '&dryRun=true', progress);
  status = (): Promise<GatewayStatus> => this.#json('GET', '/v1/status');
  slot = (slot: string): Promise<SlotStatus> => this.#json('GET', `/v1/slots/${encodeURIComponent(slot)}`);
  try = (slot: string, options: Partial<TrialOptions>): Promise<SlotStatus> =>
    this.#json('POST', `/v1/slots/${encodeURIComponent(slot)}/trial`, options);
  confirm = (slot: string): Promise<TrialReport> => this.#json('POST', `/v1/slots/${encodeURIComponent(slot)}/confirm`);
  rollBack = (slot: string): Promise<SlotStatus> => this.#json('POST', `/v1/slots/${encodeURIComponent(slot)}/rollback`);
  /** Lists collected windows with an id above `after`, the oldest first: at most 1,000. */
  windows = async (slot: string, after: number, reason?: string): Promise<KeptJson[]> => {
    const query = `?after=${after}${reason === undefined ? '' : `&reason=${encodeURIComponent(reason)}`}`;
    return (await this.#json<{ windows: KeptJson[] }>('GET', `/v1/slots/${encodeURIComponent(slot)}/windows${query}`)).windows;
  };
  window = (slot: string, id: number): Promise<WindowJson> =>
    this.#json('GET', `/v1/slots/${encodeURIComponent(slot)}/windows/${id}`);
  /** Lists the labels of windows with an id above `after`: at most 200 windows. */
  labels = async (slot: string, after: number): Promise<WindowLabels[]> =>
    (
      await this.#json<{ windows: WindowLabels[] }>(
        'GET',
        `/v1/slots/${encodeURIComponent(slot)}/labels?after=${after}&limit=200`,
      )
    ).windows;
  /** Sends labels, at most 200. */
  putLabels = (slot: string, labels: readonly WindowLabel[]): Promise<SentLabels> =>
    this.#json('POST', `/v1/slots/${encodeURIComponent(slot)}/labels`, { labels });
  agreement = (slot: string): Promise<AgreementJson> => this.#json('GET', `/v1/slots/${encodeURIComponent(slot)}/agreement`);
  leaveSafeMode = (): Promise<GatewayStatus> => this.#json('POST', '/v1/safe-mode/leave');
}

const noGateway = (url: URL, why: string): RunletError =>
  new RunletError('RN861', {
    what: 'the server at this address is not a Runlet gateway',
    where: url.origin,
    why,
    tryThis: 'use the address that `runlet gateway` printed',
  });
