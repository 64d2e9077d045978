/**
 * Runner: runs a rollout over a link. Finds a site's gateways, publishes their desired states as the state
 * machine (rollout.ts) decides, and follows their reports.
 *
 * In: a link, a bundle, the rules.  Out: a report with a row per gateway.  Errors: RN851, RN852, RN858.
 * Rule: after each connection to the broker, the bundle and all desired states of this rollout are published
 * again, because the broker may have lost them. Bundles that no desired state names are removed from the
 * broker.
 */
import { createHash, randomBytes } from 'node:crypto';
import { RunletError } from '../../../models/error.ts';
import type { Link } from './link.ts';
import {
  type BundleRef,
  type Desired,
  gatewayOf,
  maxGateways,
  maxSequence,
  maxSequenceJump,
  type OnlineReport,
  parseDesired,
  parseEnvelope,
  parseReported,
  type Reported,
  topics,
} from './messages.ts';
import {
  advance,
  begin,
  failuresOf,
  isOver,
  parseWaves,
  type Rollout,
  type RolloutOptions,
  type Step,
  touchedOf,
} from './rollout.ts';
import type { Sealer } from './signed.ts';

export interface RunOptions extends Omit<RolloutOptions, 'waves'> {
  site: string;
  slot: string;
  /** Signs desired states. */
  seal: Sealer;
  bundle: BundleRef;
  /** Bytes of the bundle, if it is sent as a message. */
  bytes?: Uint8Array;
  waves: string;
  trial?: Desired['trial'];
  /** Names of the gateways; by default all that are online. */
  only?: string[];
  discoverMs?: number;
  signal?: AbortSignal;
  progress?: (rollout: Rollout, text: string) => void;
}

export interface RolloutRow {
  gateway: string;
  wave?: number;
  state: 'confirmed' | 'failed' | 'went back' | 'not back' | 'untouched' | 'offline';
  before?: string;
  runs?: string;
  code?: string;
  why?: string;
  seconds?: number;
}

export interface RolloutReport {
  rollout: string;
  site: string;
  digest: string;
  phase: 'done' | 'stopped';
  why?: string;
  waves: number[];
  touched: number;
  failed: number;
  seconds: number;
  rows: RolloutRow[];
}

export const gatewaysText = (count: number): string => `${count} gateway${count === 1 ? '' : 's'}`;

const bundleSeconds = 30 * 86_400;
const json = { contentType: 'application/json' };

/** The part of a Link that the runner uses. */
export type RunnerLink = Pick<Link, 'listen' | 'subscribe' | 'retain'>;

export class Runner {
  readonly id = `r-${Date.now().toString(36)}-${randomBytes(3).toString('hex')}`;
  #link: RunnerLink;
  #options: RunOptions;
  #reports = new Map<string, Reported>();
  #desired = new Map<string, Desired>();
  /** Desired states that this rollout has set. */
  #mine = new Map<string, { desired: Desired; payload: Uint8Array }>();
  #before = new Map<string, OnlineReport>();
  #touchedMs = new Map<string, number>();
  #endedMs = new Map<string, number>();
  #rollout?: Rollout;
  #seenMs = 0;
  #rules: RolloutOptions;

  constructor(link: RunnerLink, options: RunOptions) {
    this.#link = link;
    this.#options = options;
    this.#rules = { ...options, waves: [] };
  }

  /** Publishes everything again. To be called after each connection to the broker. */
  connected(): void {
    this.#publishBundle();
    for (const [gateway, { payload }] of this.#mine) this.#publish(gateway, payload);
  }

  /** Runs the rollout to its end. @throws RN851, RN852, RN858 */
  async run(): Promise<RolloutReport> {
    const { site, waves, signal } = this.#options;
    const startedMs = performance.now();
    const unlisten = this.#link.listen((topic, payload) => this.#message(topic, payload));
    try {
      await this.#link.subscribe(topics.reported(site, '+'), topics.desired(site, '+'));
      const gateways = await this.#discover();
      this.#rules.waves = parseWaves(waves, gateways.length);
      const old = new Set([...this.#desired.values()].flatMap(({ bundle }) => (bundle?.at === 'message' ? [bundle.digest] : [])));
      this.#publishBundle();
      this.#apply(begin(gateways, this.#rules, performance.now()));
      while (!isOver(this.#rollout as Rollout)) {
        if (signal?.aborted) this.#event({ type: 'abort', why: 'it was interrupted' });
        else this.#event({ type: 'tick' });
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      this.#removeBundles(old);
    } finally {
      unlisten();
    }
    return this.#report((performance.now() - startedMs) / 1000);
  }

  #message(topic: string, payload: Uint8Array): void {
    const { site } = this.#options;
    try {
      if (payload.length === 0) return;
      const reporter = gatewayOf(topic, site, 'reported');
      if (reporter !== undefined && this.#hasRoom(this.#reports, reporter)) {
        const report = parseReported(payload);
        if (report.gateway !== reporter) return;
        this.#seenMs = performance.now();
        this.#reports.set(reporter, report);
        if (report.online && this.#rollout) this.#reported(reporter, report);
      }
      const wanted = gatewayOf(topic, site, 'desired');
      // its signature is not checked: it shows only which bundles are in use, and #sequence limits its number
      if (wanted !== undefined && this.#hasRoom(this.#desired, wanted))
        this.#desired.set(wanted, parseDesired(parseEnvelope(payload).desired));
    } catch {
      // ignore messages that are not valid
    }
  }

  #hasRoom(known: ReadonlyMap<string, unknown>, gateway: string): boolean {
    return known.has(gateway) || known.size < maxGateways;
  }

  /** Waits for retained reports, and returns the gateways that are online, by name. @throws RN858 */
  async #discover(): Promise<string[]> {
    const { site, only, discoverMs = 2000 } = this.#options;
    const fromMs = performance.now();
    const quiet = () => performance.now() - Math.max(this.#seenMs, fromMs) >= discoverMs / 2;
    while (performance.now() - fromMs < discoverMs || !quiet()) {
      if (performance.now() - fromMs > 15 * discoverMs) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const online = [...this.#reports]
      .flatMap(([id, report]) => (report.online && (!only || only.includes(id)) ? [id] : []))
      .sort();
    const absent = only?.filter((id) => !online.includes(id)) ?? [];
    if (online.length === 0 || absent.length > 0)
      throw new RunletError('RN858', {
        what: absent.length > 0 ? 'gateways are missing' : 'there is no gateway to roll out to',
        where: `site ${site}`,
        why: absent.length > 0 ? `${absent.slice(0, 8).join(', ')} did not report` : 'no online gateway reports to this broker',
        tryThis: 'start one with runlet gateway --fleet mqtt://BROKER/SITE --gateway-id NAME',
      });
    for (const id of online) this.#before.set(id, this.#reports.get(id) as OnlineReport);
    return online;
  }

  #publishBundle(): void {
    const { bytes, site, bundle } = this.#options;
    if (bytes)
      this.#link.retain(topics.bundle(site, bundle.digest), bytes, {
        contentType: 'application/wasm',
        expirySeconds: bundleSeconds,
      });
  }

  #publish(gateway: string, payload: Uint8Array): void {
    this.#link.retain(topics.desired(this.#options.site, gateway), payload, json);
  }

  /**
   * Returns the next sequence number of a gateway. It is above the number that the gateway reports, and above
   * a published desired state that the gateway may still accept.
   */
  #sequence(gateway: string): number {
    const report = this.#reports.get(gateway);
    const seen = report?.online ? report.sequence : 0;
    const published = this.#desired.get(gateway)?.sequence ?? 0;
    const plausible = published - seen < maxSequenceJump / 2 ? published : 0;
    return Math.min(maxSequence, 1 + Math.max(this.#mine.get(gateway)?.desired.sequence ?? 0, seen, plausible));
  }

  #set(gateway: string, to: 'next' | 'previous'): void {
    const { site, slot, bundle, trial, seal } = this.#options;
    const before = this.#before.get(gateway)?.active;
    const common = { fleet: 2 as const, site, gateway, sequence: this.#sequence(gateway), rollout: this.id, slot };
    let desired: Desired = { ...common, bundle, ...(trial && { trial }) };
    // a gateway that already ran the bundle needs no rollback
    if (to === 'previous' && before?.digest !== bundle.digest)
      desired = { ...common, bundle: before ? { digest: before.digest, at: 'gateway' } : null, instead: bundle.digest };
    const payload = seal(desired);
    this.#mine.set(gateway, { desired, payload });
    this.#publish(gateway, payload);
  }

  #apply({ rollout, set }: Step): void {
    const { phase, wave } = this.#rollout ?? {};
    this.#rollout = rollout;
    const nowMs = performance.now();
    for (const { gateway, to } of set) {
      this.#set(gateway, to);
      if (to === 'next') this.#touchedMs.set(gateway, nowMs);
    }
    if (rollout.phase !== phase || rollout.wave !== wave) {
      const touched = touchedOf(rollout).length;
      const text =
        rollout.phase === 'rolling'
          ? `wave ${rollout.wave + 1} of ${this.#rules.waves.length}: ${gatewaysText(set.length)}, ${touched} of ${rollout.members.size} in all`
          : rollout.phase === 'reverting'
            ? `stops: ${rollout.why}; ${gatewaysText(touched)} to roll back`
            : rollout.phase;
      this.#options.progress?.(rollout, text);
    } else this.#options.progress?.(rollout, '');
  }

  #event(event: Parameters<typeof advance>[1]): void {
    this.#apply(advance(this.#rollout as Rollout, event, this.#rules, performance.now()));
  }

  #reported(gateway: string, { state, sequence, rollout, digest, code, refused }: OnlineReport): void {
    const { desired: mine, payload } = this.#mine.get(gateway) ?? {};
    if (!mine || !payload) return;
    if (refused?.digest === createHash('sha256').update(payload).digest('hex')) {
      this.#verdict(gateway, mine, false, refused.code);
      return;
    }
    if (rollout !== this.id || sequence !== mine.sequence || digest !== mine.bundle?.digest) return;
    const ended = ['confirmed', 'reverted', 'failed', 'idle'].includes(state);
    if (ended) this.#verdict(gateway, mine, state === 'confirmed' || (state === 'idle' && mine.bundle === null), code);
  }

  #verdict(gateway: string, { instead }: Desired, ok: boolean, code?: string): void {
    if (instead !== undefined || this.#rollout?.phase === 'reverting') this.#event({ type: 'back', gateway, ok });
    else {
      if (!this.#endedMs.has(gateway)) this.#endedMs.set(gateway, performance.now());
      this.#event({ type: 'verdict', gateway, ok, ...(code && { code }) });
    }
  }

  /** Removes bundles from the broker that no desired state names any more. */
  #removeBundles(old: Set<string>): void {
    const wanted = new Set(
      [...this.#desired.keys(), ...this.#mine.keys()].map(
        (id) => (this.#mine.get(id)?.desired ?? this.#desired.get(id))?.bundle?.digest,
      ),
    );
    const { bundle, bytes, site } = this.#options;
    for (const digest of [...old, ...(bytes ? [bundle.digest] : [])])
      if (!wanted.has(digest)) this.#link.retain(topics.bundle(site, digest), new Uint8Array());
  }

  #report(seconds: number): RolloutReport {
    const { site, bundle } = this.#options;
    const rollout = this.#rollout as Rollout;
    const rows = [...this.#reports].sort(([a], [b]) => (a < b ? -1 : 1)).map(([id]) => this.#row(id, rollout));
    return {
      rollout: this.id,
      site,
      digest: bundle.digest,
      phase: rollout.phase === 'done' ? 'done' : 'stopped',
      ...(rollout.why && { why: rollout.why }),
      waves: this.#rules.waves,
      touched: touchedOf(rollout).length,
      failed: failuresOf(rollout),
      seconds,
      rows,
    };
  }

  #row(gateway: string, { members }: Rollout): RolloutRow {
    const member = members.get(gateway);
    const report = this.#reports.get(gateway);
    const active = report?.online ? report.active : undefined;
    const before = this.#before.get(gateway)?.active;
    const [from, to] = [this.#touchedMs.get(gateway), this.#endedMs.get(gateway)];
    const ended = member?.back === 'back' ? 'went back' : member?.back === 'not back' ? 'not back' : undefined;
    const state =
      !report?.online && !member ? 'offline' : member?.wave === undefined ? 'untouched' : (ended ?? verdict(member.state));
    return {
      gateway,
      state,
      ...(member?.wave !== undefined && { wave: member.wave + 1 }),
      ...(before && { before: `${before.name} ${before.version}` }),
      ...(active && { runs: `${active.name} ${active.version}` }),
      ...(member?.code && { code: member.code }),
      ...(member?.why && { why: member.why }),
      ...(from !== undefined && to !== undefined && { seconds: (to - from) / 1000 }),
    };
  }
}

const verdict = (state: string): 'confirmed' | 'failed' => (state === 'confirmed' ? 'confirmed' : 'failed');
