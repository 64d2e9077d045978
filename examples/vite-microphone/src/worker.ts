/** The worker: runs the model and reports the words that it hears. Sound comes from the AudioWorklet. */
import { LabelDetector, Listener, openSession } from '@runlet/session';
import type { Message } from './messages.ts';

const say = (message: Message): void => postMessage(message);

async function open(url: string): Promise<Listener> {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url} is not there (${answer.status}): build the model as the README says`);
  const session = await openSession(await answer.arrayBuffer());
  const { manifest } = session;
  const sampleRateHz = manifest.sampleRateHz ?? 16000;
  const detector = new LabelDetector(manifest, (1000 * session.hop) / sampleRateHz);
  const listener = new Listener([{ name: manifest.name, session, detector }], sampleRateHz, {
    heard: (_, { label, timeMs, probability }) => say({ kind: 'heard', label, seconds: timeMs / 1000, probability }),
  });
  say({ kind: 'ready', words: detector.parts.map((part) => part.detector.label), sampleRateHz });
  return listener;
}

let listener: Promise<Listener>;

self.onmessage = ({ data }: MessageEvent<string | MessagePort>) => {
  if (typeof data === 'string') {
    listener = open(data);
    listener.catch((error: unknown) => say({ kind: 'error', text: String(error) }));
    return;
  }
  data.onmessage = async ({ data: samples }: MessageEvent<Float32Array>) => (await listener).push(samples);
};
