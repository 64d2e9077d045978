/**
 * The Web Worker that runs the engine.
 *
 * In: { id, request }.  Out: one reply with that id, and messages in between (protocol.ts).
 */
import { Engine } from './engine.ts';
import { errorOf } from './engine-error.ts';
import type { Batch, Reply, Request } from './protocol.ts';

interface Scope {
  postMessage(message: Reply, transfer: Transferable[]): void;
  onmessage: ((event: MessageEvent<{ id: number; request: Request }>) => void) | null;
}
const scope = globalThis as unknown as Scope;

function buffersOf({ wave, rows, outputs, times, voice }: Batch): ArrayBuffer[] {
  return [wave, rows, outputs, times, voice].map((list) => list.buffer as ArrayBuffer);
}

function tell(message: Reply): void {
  scope.postMessage(message, 'batch' in message ? buffersOf(message.batch) : []);
}

const engine = new Engine({
  tell,
  asset: async (file) => new Uint8Array(await (await fetch(file)).arrayBuffer()),
});

/** Loads run one after the other. Other requests do not wait, so that a stop reaches the active run. */
let loads: Promise<unknown> = Promise.resolve();

scope.onmessage = ({ data: { id, request } }) => {
  const run = async () => {
    try {
      const loaded = await engine.handle(request);
      tell({ id, ...(loaded && { loaded }) });
    } catch (error) {
      tell({ id, error: errorOf(error) });
    }
  };
  if (request.do === 'load') loads = loads.then(run);
  else void run();
};
