/**
 * Runs in Chromium: Runlet's modules and other engines in one page, alternately, over the same windows.
 *
 * In: files on the page's server, windows of values.  Out: for each engine its samples, its outputs as stored
 * numbers, and its time to the first output. Each engine is called in its cheapest way: LiteRT.js with an
 * input tensor that is made once, tfjs-tflite without TensorFlow.js tensors.
 */
import { openSession, type Session } from '../../host/session/index.ts';

export interface PageJob {
  subjects: { name: string; kind: 'runlet' | 'litert' | 'tflite'; model: string; engine?: string; bare?: boolean }[];
  /** Whole windows [t][f][c], or the steps of a stateful model; float32, or int8 as stored. */
  windows: number[][];
  shape: number[];
  stored: boolean;
  /** Scale of the output; `zeroPoint` is its zero point. */
  scale: number;
  zeroPoint: number;
  rounds: number;
  sampleMs: number;
  warmUpMs: number;
}

export interface PageSubject {
  name: string;
  startMs: number;
  /** Microseconds per call. */
  samples: number[];
  /** One output per window, in steps of the output's scale. */
  answers: number[][];
  /** The reason if the engine does not run here. */
  failed?: string;
}

type Which = PageJob['subjects'][number];

interface Started {
  answer(window: number[]): Promise<number[]>;
  run(): unknown;
}

// biome-ignore lint/suspicious/noExplicitAny: packages that are installed apart have no types here
type Loaded = any;

const load = (path: string): Promise<Loaded> => import(path);
const bytesOf = async (path: string) => (await fetch(path)).arrayBuffer();

async function runlet({ stored }: PageJob, { model }: Which): Promise<Started> {
  const session: Session = await openSession(await bytesOf(model));
  const size = session.hop * (session.manifest.inputs[0]?.elements ?? 0);
  const made = (values: number[]) => (stored ? Int8Array.from(values) : Float32Array.from(values));
  const frames = Int8Array.from({ length: size }, (_, i) => ((i * 2654435761) >>> 24) - 128);
  const shift = session.manifest.outputs[0]?.hostType === 'uint8' ? 128 : 0;
  return {
    answer: async (window) => {
      let answer: number[] = [];
      if (!stored) session.reset();
      session.pushAll(made(window), () => {
        answer = Array.from(session.outputRaw(0), (q) => q + shift);
      });
      return answer;
    },
    run: () => session.pushInt8(frames),
  };
}

async function litert({ windows, shape, scale, zeroPoint }: PageJob, { model, engine, bare }: Which): Promise<Started> {
  // a distinct query gives a separate module, since the package holds one engine at a time
  const { loadLiteRt, loadAndCompile, Tensor } = await load(`/litert.js?${engine},${bare}`);
  await loadLiteRt(`/litert/${engine}`);
  const compiled = await loadAndCompile(model, { accelerator: 'wasm', cpuOptions: { numThreads: 1 } });
  const answer = async (x: Loaded) => {
    const [y] = await compiled.run(x);
    const values = y.toTypedArray();
    y.delete();
    return values as Float32Array;
  };
  const first = new Tensor(Float32Array.from(windows[0] ?? []), shape);
  return {
    answer: async (window) => {
      const x = new Tensor(Float32Array.from(window), shape);
      const steps = Array.from(await answer(x), (v) => Math.round(v / scale) + zeroPoint);
      x.delete();
      return steps;
    },
    // bare: only its WebAssembly, through an internal name, without reading the output
    run: bare
      ? () => {
          for (const y of compiled.liteRtCompiledModel.run(0, [first.liteRtTensorBuffer])) y.delete();
        }
      : () => answer(first),
  };
}

async function tflite({ windows, stored, scale, zeroPoint }: PageJob, { model }: Which): Promise<Started> {
  const { loadTFLiteModel, setWasmPath } = await load('/tflite.js');
  setWasmPath('/tflite/');
  const { modelRunner } = await loadTFLiteModel(model, { numThreads: 1 });
  const views = () => [modelRunner.getInputs()[0].data(), modelRunner.getOutputs()[0].data()];
  const first = stored ? Int8Array.from(windows[0] ?? []) : Float32Array.from(windows[0] ?? []);
  let [x, y]: Loaded[] = [];
  const infer = (values: ArrayLike<number>) => {
    x.set(values);
    if (!modelRunner.infer()) throw new Error('the interpreter failed');
    return y?.[0] as number;
  };
  return {
    answer: async (window) => {
      [x] = views();
      infer(window);
      // tensors move during the first inference; later their views stay valid
      [x, y] = views();
      return Array.from(y as Float32Array, (v) => (stored ? v : Math.round(v / scale) + zeroPoint));
    },
    run: () => infer(first),
  };
}

/** Warms up the engine's compilers. @returns the number of calls that takes about as long as a sample */
async function callsASample(started: Started, { sampleMs, warmUpMs }: PageJob): Promise<number> {
  const began = performance.now();
  for (let calls = 8; ; ) {
    const ms = ((await sample(started, calls)) * calls) / 1000;
    if (ms < sampleMs / 2) calls *= 2;
    else if (performance.now() - began > warmUpMs) return Math.ceil((calls * sampleMs) / ms);
  }
}

/** Returns microseconds per call, after uncounted calls that fill the caches. */
async function sample({ run }: Started, calls: number): Promise<number> {
  const waits = run() instanceof Promise;
  for (let i = 0; i < calls / 2; i++) await run();
  const before = performance.now();
  if (waits) for (let i = 0; i < calls; i++) await run();
  else for (let i = 0; i < calls; i++) run();
  return (1000 * (performance.now() - before)) / calls;
}

export async function compare(job: PageJob): Promise<PageSubject[]> {
  const results: PageSubject[] = [];
  const running: { started: Started; result: PageSubject; calls: number }[] = [];
  for (const which of job.subjects) {
    const result: PageSubject = { name: which.name, startMs: 0, samples: [], answers: [] };
    results.push(result);
    try {
      const began = performance.now();
      const started = await { runlet, litert, tflite }[which.kind](job, which);
      for (const [i, window] of job.windows.entries()) {
        result.answers.push(await started.answer(window));
        if (i === 0) result.startMs = performance.now() - began;
      }
      running.push({ started, result, calls: 0 });
    } catch (error) {
      result.failed = String((error as Error)?.message ?? error);
    }
  }
  for (const one of running) one.calls = await callsASample(one.started, job);
  for (let r = 0; r < job.rounds; r++)
    for (const { started, result, calls } of running) result.samples.push(await sample(started, calls));
  return results;
}
