/**
 * An HTTP service with one session per stream: frames in, labels out. `node service.js [BUNDLE] [PORT]`
 *
 * POST /streams/NAME   {"frames": [[0.1, ...], ...]}: pushes the next frames; answers with the due outputs
 * DELETE /streams/NAME   removes the stream
 * GET /   describes the model's inputs and outputs
 */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { isRunletError, openSession } from '@runlet/session';

const [bundle = 'activity.wasm', port = '8080'] = process.argv.slice(2);
/** Largest number of streams; a new one replaces the one that was idle longest. */
const maxStreams = 1000;
const maxBytes = 1 << 20;

const module = await WebAssembly.compile(await readFile(bundle));
const { manifest } = await openSession(module);
const elements = manifest.inputs.reduce((sum, port) => sum + port.elements, 0);
if (manifest.inputs.length > 1) throw new Error('this service is for models with one input');

/** @typedef {Awaited<ReturnType<typeof openSession>>} Session */
/** Streams by name; the most recently used is last. @type {Map<string, Promise<Session>>} */
const streams = new Map();

/** @param {string} name */
function streamOf(name) {
  const session = streams.get(name) ?? openSession(module);
  streams.delete(name);
  streams.set(name, session);
  for (const oldest of streams.keys()) {
    if (streams.size <= maxStreams) break;
    streams.delete(oldest);
  }
  return session;
}

class Refused extends Error {
  /** @param {number} status @param {string} message */
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** @param {import('node:http').IncomingMessage} request */
async function framesOf(request) {
  let text = '';
  for await (const piece of request.setEncoding('utf8')) {
    text += piece;
    if (text.length > maxBytes) throw new Refused(413, `a request has at most ${maxBytes} bytes`);
  }
  const wanted = `{"frames": [[...], ...]} with ${elements} numbers in each frame`;
  let body;
  try {
    body = JSON.parse(text);
  } catch {
    throw new Refused(400, `the body is no JSON; ${wanted}`);
  }
  /** @type {unknown} */
  const frames = body?.frames;
  const isFrame = (/** @type {unknown} */ frame) =>
    Array.isArray(frame) && frame.length === elements && frame.every((x) => typeof x === 'number');
  if (!Array.isArray(frames) || frames.length === 0 || !frames.every(isFrame)) throw new Refused(400, wanted);
  return Float32Array.from(frames.flat());
}

/** @param {Session} session */
function answer(session) {
  const values = [...session.output()];
  const { label, score } = session.labels.length > 0 ? (session.result() ?? {}) : {};
  const startFrame = session.originFrame + session.outputIndex * session.hop;
  return { startFrame, endFrame: startFrame + session.window, label, score, values };
}

/** @param {import('node:http').IncomingMessage} request */
async function handle(request) {
  const { method, url = '' } = request;
  const { hop, window, sampleRateHz, labels } = manifest;
  if (method === 'GET' && url === '/') return { model: manifest.name, hop, window, elements, sampleRateHz, labels };
  const [, name] = /^\/streams\/([\w.-]{1,64})$/.exec(url) ?? [];
  if (!name) throw new Refused(404, 'GET /, POST /streams/NAME, DELETE /streams/NAME');
  if (method === 'DELETE') return { forgotten: streams.delete(name) };
  if (method !== 'POST') throw new Refused(405, 'POST or DELETE');
  const frames = await framesOf(request);
  const session = await streamOf(name);
  /** @type {ReturnType<typeof answer>[]} */
  const outputs = [];
  session.pushAll(frames, () => outputs.push(answer(session)));
  return { outputs };
}

const server = createServer(async (request, response) => {
  let status = 200;
  const body = await handle(request).catch((error) => {
    status = error instanceof Refused ? error.status : isRunletError(error) ? 400 : 500;
    if (status === 500) console.error(error);
    return { error: status === 500 ? 'an error of the service' : error.message };
  });
  response.writeHead(status, { 'content-type': 'application/json', ...(status === 413 && { connection: 'close' }) });
  response.end(`${JSON.stringify(body)}\n`);
});

server.listen(Number(port), () => console.log(`${manifest.name} at http://localhost:${Object(server.address()).port}`));
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => server.close().closeAllConnections());
