/**
 * The page's connection to its engine.
 *
 * In: requests.  Out: a promise for each; batches and progress by callbacks.  An error of the engine becomes
 * a RunletError with the same code.
 */
import { RunletError } from '../../models/error.ts';
import type { Batch, Loaded, Question, Reply, Request } from './protocol.ts';

export class EngineLink {
  #worker: Worker;
  #next = 0;
  #waiting = new Map<number, { resolve: (loaded: Loaded | Question | undefined) => void; reject: (error: Error) => void }>();
  onBatch: (batch: Batch) => void = () => {};
  onProgress: (text: string) => void = () => {};

  constructor(script: string) {
    this.#worker = new Worker(script, { type: 'module' });
    this.#worker.onmessage = ({ data }: MessageEvent<Reply>) => this.#receive(data);
    this.#worker.onerror = (event) => {
      for (const { reject } of this.#waiting.values())
        reject(
          new RunletError('RN788', {
            what: "the page's engine cannot start",
            where: script,
            why: event.message || 'its script could not be loaded',
            tryThis: 'reload the page; the browser must not be older than three years',
          }),
        );
      this.#waiting.clear();
    };
  }

  #receive(reply: Reply): void {
    if ('batch' in reply) this.onBatch(reply.batch);
    else if ('progress' in reply) this.onProgress(reply.progress);
    else this.#settle(reply);
  }

  #settle(reply: Exclude<Reply, { batch: Batch } | { progress: string }>): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if ('error' in reply) {
      const { code, parts } = reply.error;
      waiting?.reject(new RunletError(code, parts));
    } else waiting?.resolve(reply.loaded);
  }

  /** Sends a request. @throws RunletError the engine's error */
  ask(request: Request, transfer: Transferable[] = []): Promise<Loaded | Question | undefined> {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, request }, transfer);
    });
  }
}
