/**
 * Opens the models that the engine runs together: the one that is shown, and those of its gates.
 *
 * In: an open model with its feed, the catalogue.  Out: ListeningModels, the shown one first. Models with the
 * same front end share its session.
 * Errors: those of openSession. The Listener checks the gates.
 */
import type { Manifest } from '../../assembly/bundle/manifest.ts';
import {
  isRunletError,
  LabelDetector,
  type ListeningModel,
  type ModelGate,
  openSession,
  type Session,
} from '../session/index.ts';
import { type FeedChoice, feedOf } from './feed.ts';
import type { Catalogue, FrontEndEntry } from './protocol.ts';

/** Fetches a file of the page. */
type Asset = (file: string) => Promise<Uint8Array>;

export interface OpenFrontEnd {
  session: Session;
  entry: FrontEndEntry;
  fileBytes: number;
}

/** Front ends of one chain of models, each opened once. */
export class FrontEnds {
  #asset: Asset;
  #open = new Map<string, Promise<OpenFrontEnd>>();

  constructor(asset: Asset) {
    this.#asset = asset;
  }

  get(entry: FrontEndEntry): Promise<OpenFrontEnd> {
    const found = this.#open.get(entry.file) ?? this.#opened(entry);
    this.#open.set(entry.file, found);
    return found;
  }

  async #opened(entry: FrontEndEntry): Promise<OpenFrontEnd> {
    const bytes = await this.#asset(entry.file);
    return { entry, session: await openSession(bytes as BufferSource), fileBytes: bytes.length };
  }
}

/** Makes the detector that the manifest describes. A model without labels detects nothing. */
function detectorOf(manifest: Manifest, stepMs: number): LabelDetector | undefined {
  if (!manifest.detector) return undefined;
  try {
    return new LabelDetector(manifest, stepMs);
  } catch (error) {
    if (isRunletError(error)) return undefined;
    throw error;
  }
}

/** Makes the ListeningModel of a session. @param frontEnd the front end of its rows, if it takes rows */
export function listeningModel(
  name: string,
  session: Session,
  manifest: Manifest,
  { frontEnd, hopS, gate }: { frontEnd: Session | undefined; hopS: number; gate: ModelGate | undefined },
): ListeningModel {
  const detector = detectorOf(manifest, 1000 * hopS);
  return {
    name,
    session,
    ...(frontEnd && { frontEnd }),
    ...(manifest.labels && { labels: manifest.labels }),
    ...(detector && { detector }),
    ...(gate && { gate }),
  };
}

/** Opens the models of the gates behind `shown`, from its own gate on. */
export async function gateModels(
  shown: ListeningModel,
  { models, frontEnds }: Catalogue,
  opened: FrontEnds,
  asset: Asset,
): Promise<[ListeningModel, ...ListeningModel[]]> {
  const chain: [ListeningModel, ...ListeningModel[]] = [shown];
  for (let by = shown.gate?.by; by !== undefined && !chain.some(({ name }) => name === by); by = chain.at(-1)?.gate?.by) {
    const entry = models.find(({ name }) => name === by);
    if (!entry) break;
    const weights = entry.weights === undefined ? undefined : ((await asset(entry.weights)) as BufferSource);
    const session = await openSession((await asset(entry.file)) as BufferSource, { weights });
    const { rateHz = session.manifest.sampleRateHz, labels = session.manifest.labels } = entry.options ?? {};
    const manifest = { ...session.manifest, labels, sampleRateHz: rateHz };
    const choice = feedOf(manifest, frontEnds, entry.options ?? {});
    const feed: Partial<FeedChoice> = 'asks' in choice ? {} : choice;
    const frontEnd = feed.feed === 'rows' && feed.frontEnd ? (await opened.get(feed.frontEnd)).session : undefined;
    chain.push(listeningModel(by, session, manifest, { frontEnd, hopS: feed.hopS ?? 1, gate: entry.gate }));
  }
  return chain;
}
