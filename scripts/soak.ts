/**
 * Runs acceptance tests with full counts: `npm run soak -- NAME`. CI runs the same tests with a tenth or
 * less.
 *
 * In: a name; without one, the names are listed.  Out: the test runner's output, last line `N passed, N
 * failed`.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

interface Soak {
  what: string;
  test: string;
  env: Record<string, string>;
}

const fuzz = (format: string, name: string): Soak => ({
  what: `100,000 truncated and mutated ${name} files; 500 of the accepted ones compiled and run`,
  test: 'fuzz/builds',
  env: { RUNLET_FUZZ_COUNT: '100000', RUNLET_FUZZ_BUILDS: '500', RUNLET_FUZZ_FORMAT: format },
});

const runs: Record<string, Soak> = {
  cluster: {
    what: 'three gateways, 300 streams of ppg-hr and har at their rate for 20 minutes, 100 kills, 10 restarts of NATS, 20 joins and leaves, 5 minutes cut off',
    test: 'cluster/cluster.test',
    env: { RUNLET_CLUSTER_SECONDS: '1200', RUNLET_CLUSTER_STREAMS: '300', RUNLET_TEST_MINUTES: '60' },
  },
  'cluster-faults': {
    what: 'a fault at every operation of a cluster, and 5,000 random pairs of faults',
    test: 'cluster/faults',
    env: { RUNLET_CLUSTER_FAULTS: '5000', RUNLET_TEST_MINUTES: '60' },
  },
  'cluster-rollouts': {
    what: 'five good and five bad bundles over a cluster while gateways are killed',
    test: 'cluster/rollout',
    env: { RUNLET_ROLLOUTS: '5', RUNLET_TEST_MINUTES: '60' },
  },
  networks: {
    what: '10,000 random networks in mode stream and 10,000 in edge-exact, as layer tables (2,000 of each also compiled), against the windowed model',
    test: 'property/streaming',
    env: { RUNLET_NETWORKS: '10000', RUNLET_ASC: '2000' },
  },
  int16: {
    what: '2,000 random networks with int16 tensors per mode, 200 of them compiled',
    test: 'property/int16',
    env: { RUNLET_INT16: '2000', RUNLET_INT16_ASC: '200' },
  },
  rounding: {
    what: '600 random int8 networks (the readers accept at least 500) and every int8 file of the reference models and the corpus, 24 steps each, against tflite-micro and ai-edge-litert; 30 modules of each on all targets',
    test: 'test/references,property/rounding,quant/once',
    env: {
      RUNLET_REFERENCE_NETWORKS: '600',
      RUNLET_REFERENCE_STEPS: '24',
      RUNLET_REFERENCE_MODULES: '30',
      RUNLET_REFERENCE_TARGETS: '1',
      RUNLET_ROUNDING: '300',
      RUNLET_ROUNDING_ASC: '30',
      RUNLET_ONCE: '3000',
    },
  },
  pools: {
    what: '500 random networks with each of eight kinds of pooling, against onnxruntime and the windowed model',
    test: 'property/pooling',
    env: { RUNLET_POOLS: '500' },
  },
  ppg: { what: 'ppg-hr over 10,000 hops', test: 'stages/ppg', env: { RUNLET_PPG_HOPS: '10000' } },
  har: { what: 'har over the recordings of eight subjects, every answer', test: 'stages/har', env: { RUNLET_HAR_EVERY: '1' } },
  ecg: { what: 'ecg over a record of 30 minutes, every window separately', test: 'stages/ecg', env: { RUNLET_ECG_EVERY: '1' } },
  bound: {
    what: '10,000 random pools against the pooling error bound',
    test: 'stages/bound',
    env: { RUNLET_BOUND_TRIALS: '10000' },
  },
  endless: {
    what: 'small networks, once in mode stream and twice in edge-exact, over 10,000,000 hops each; 1,000 positions against the reference',
    test: 'stages/endless',
    env: { RUNLET_ENDLESS_HOPS: '10000000' },
  },
  stateful: {
    what: '12,000 mutations of streaming TensorFlow Lite models against an interpreter of the file; 60 of the equal ones also compiled',
    test: 'fuzz/stateful',
    env: { RUNLET_STATEFUL_FILES: '12000', RUNLET_STATEFUL_BUILDS: '60' },
  },
  day: {
    what: '24 hours of sound through front end and network in one module; 1,000 positions against the references',
    test: 'stages/day',
    env: { RUNLET_SOUND_HOURS: '24' },
  },
  floats: {
    what: '3,000 random channels: every sum requantised in float32 by the kernel, against the integers',
    test: 'kernels/requantise-f32',
    env: { RUNLET_FLOAT_CHANNELS: '3000' },
  },
  calib: {
    what: '50,000 damaged calibration files and arrays; 10,000 windows of kws as a stream, memory bounded',
    test: 'calib',
    env: { RUNLET_CALIB_FILES: '50000', RUNLET_CALIB_WINDOWS: '10000' },
  },
  mcu: {
    what: 'the C host: 10^5 changed bundles, 10^6 calls, 3 x 10^6 files and frames with counts of any size, 3 x 10^7 hops of a small network, 10^8 frames through the queue with sanitizers',
    test: 'test/mcu',
    env: {
      RUNLET_MCU_BUNDLES: '100000',
      RUNLET_MCU_CALLS: '1000000',
      RUNLET_MCU_COUNTS: '1000000',
      RUNLET_MCU_HOPS: '10000000',
      RUNLET_QUEUE_FRAMES: '5000000',
    },
  },
  gate: {
    what: 'a gate: an hour of sparse and 5 minutes of continuous speech through vad and kws; 2,000 random networks that sleep in Node, and 400 in the C host; 10^7 made-up streams in C',
    test: 'stages/gate,property/gate,mcu/gate',
    env: { RUNLET_GATE_MINUTES: '60', RUNLET_GATES: '2000', RUNLET_MCU_GATES: '400', RUNLET_MCU_STREAMS: '10000000' },
  },
  store: {
    what: 'the gateway: 5,000 double faults of its disk, 5,000 of half-sent uploads; 300 kill -9 and 100 SIGTERM with two or four starts at once; 300 locks',
    test: 'gateway/store,gateway/kill,gateway/lock',
    env: { RUNLET_STORE_FAULTS: '5000', RUNLET_KILLS: '300', RUNLET_LOCKS: '300' },
  },
  windows: {
    what: 'the gateway: 100,000 collected windows in one slot; 5,000 double faults of their disk',
    test: 'gateway/collect-store',
    env: { RUNLET_WINDOWS: '100000', RUNLET_STORE_FAULTS: '5000' },
  },
  swaps: {
    what: 'the gateway: 10,000 swaps under 64 streams',
    test: 'gateway/swaps',
    env: { RUNLET_SWAPS: '10000' },
  },
  neighbour: {
    what: 'the gateway: 200 streams and 100 swaps in 10 minutes, every output checked, beside refused messages, floods and modules that hang',
    test: 'gateway/neighbour',
    env: { RUNLET_NEIGHBOUR_STREAMS: '200', RUNLET_NEIGHBOUR_SWAPS: '100', RUNLET_NEIGHBOUR_MINUTES: '10' },
  },
  serial: {
    what: 'models over a serial line: power cut 16 times at every write and 5,000 times twice, 10^6 inputs, 300 transfers over bad lines',
    test: 'test/serial',
    env: {
      RUNLET_SERIAL_CUTS: '16',
      RUNLET_SERIAL_DOUBLES: '5000',
      RUNLET_SERIAL_INPUTS: '1000000',
      RUNLET_SERIAL_TRANSFERS: '300',
      RUNLET_SERIAL_FRAMES: '100000',
    },
  },
  'mcu-wamr': {
    what: "the C host's fuzzing with WAMR compiled with sanitizers as well: 40,000 changed bundles, 400,000 calls; lists what they report inside WAMR",
    test: 'test/mcu/fuzz',
    env: { RUNLET_WAMR_SANITIZE: '1', RUNLET_MCU_BUNDLES: '40000', RUNLET_MCU_CALLS: '400000' },
  },
  qdq: {
    what: '2,000 random networks as QDQ ONNX, read back and run in onnxruntime',
    test: 'write/qdq',
    env: { RUNLET_QDQ_NETWORKS: '2000' },
  },
  requests: {
    what: 'the gateway: 10^6 random requests with the token, 250,000 without, 10^6 binary messages',
    test: 'gateway/fuzz',
    env: { RUNLET_GATEWAY_REQUESTS: '1000000' },
  },
  doors: {
    what: 'the listening port of a gateway, plain and TLS, with and without a token: 10^6 raw inputs',
    test: 'gateway/raw',
    env: { RUNLET_RAW_INPUTS: '1000000' },
  },
  fleet: {
    what: '50 gateways: rollouts that complete and rollouts that stop, a broker restart; 100,000 hostile messages, 6,000 hostile connections; 20,000 random rollouts',
    test: 'fleet/',
    env: { RUNLET_FLEET: '50', RUNLET_FLEET_MESSAGES: '100000', RUNLET_FLEET_ROLLOUTS: '20000' },
  },
  fit: {
    what: 'the estimates of runlet fit for 52 held-out random networks, on three cores, against QEMU',
    test: 'host/fit',
    env: { RUNLET_FIT: '52' },
  },
  mutants: {
    what: 'all seeded faults of test/mutants, each against the tests that must notice it',
    test: 'mutants/mutants',
    env: { RUNLET_MUTANTS: 'all' },
  },
  'fuzz-tflite': fuzz('tflite', 'TensorFlow Lite'),
  'fuzz-onnx': fuzz('onnx', 'ONNX'),
  'fuzz-tfjs': fuzz('tfjs', 'TensorFlow.js'),
  'fuzz-keras': fuzz('keras', 'Keras, HDF5 and archive'),
  'fuzz-rnq': fuzz('rnq', '.rnq'),
};

const name = process.argv[2] ?? '';
const run = runs[name];
if (!run) {
  for (const [key, { what }] of Object.entries(runs)) console.log(`npm run soak -- ${key.padEnd(12)} ${what}`);
  process.exitCode = name ? 2 : 0;
} else {
  const env = { ...process.env, RUNLET_TEST_MINUTES: '120', ...run.env };
  const args = ['--import', 'tsx', join(import.meta.dirname, '..', 'test/run.ts'), ...run.test.split(',')];
  process.exitCode = spawnSync(process.execPath, args, { stdio: 'inherit', env }).status ?? 1;
}
