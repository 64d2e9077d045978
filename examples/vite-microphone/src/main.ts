/** The page: opens the microphone on request, connects AudioWorklet and worker, and lists the heard words. */
import captureUrl from './capture.ts?worker&url';
import type { Message } from './messages.ts';

const byId = (id: string): HTMLElement => {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found;
};
const [start, words, state, heard] = [byId('start') as HTMLButtonElement, byId('words'), byId('state'), byId('heard')];
const maxLines = 20;

const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
let sampleRateHz = 0;

worker.onmessage = ({ data }: MessageEvent<Message>) => {
  if (data.kind === 'error') {
    state.textContent = data.text;
  } else if (data.kind === 'ready') {
    sampleRateHz = data.sampleRateHz;
    words.textContent = `Say ${data.words.join(', ')}.`;
    start.disabled = false;
  } else {
    const [word, time] = [document.createElement('b'), document.createElement('span')];
    word.textContent = data.label;
    time.textContent = `${data.seconds.toFixed(1)} s, ${(100 * data.probability).toFixed(0)} %`;
    const line = document.createElement('li');
    line.append(word, time);
    heard.prepend(line);
    if (heard.children.length > maxLines) heard.lastChild?.remove();
  }
};
worker.postMessage(new URL(`${import.meta.env.BASE_URL}kws.wasm`, location.href).href);

/** Opens the microphone without the browser's processing, since the model was trained without it. */
async function listen(): Promise<void> {
  const audio = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  const stream = await navigator.mediaDevices.getUserMedia({ audio });
  // the browser resamples the microphone to the model's rate
  const context = new AudioContext({ sampleRate: sampleRateHz });
  await context.audioWorklet.addModule(captureUrl);
  const capture = new AudioWorkletNode(context, 'capture', { numberOfOutputs: 0 });
  const { port1, port2 } = new MessageChannel();
  capture.port.postMessage(port1, [port1]);
  worker.postMessage(port2, [port2]);
  context.createMediaStreamSource(stream).connect(capture);
}

start.onclick = async () => {
  start.disabled = true;
  try {
    await listen();
    state.textContent = 'Listening.';
  } catch (error) {
    state.textContent = `The microphone does not start: ${error instanceof Error ? error.message : error}`;
    start.disabled = false;
  }
};
