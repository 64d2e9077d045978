/**
 * Opens the microphone.
 *
 * In: the user's permission.  Out: pieces of samples at the device's rate.  The browser's noise suppression,
 * echo cancellation and gain control are off: models were trained without them, and the front end has its
 * own.
 */
import { RunletError } from '../../models/error.ts';

export interface Microphone {
  rateHz: number;
  name: string;
  stop: () => void;
}

const refused = (what: string, why: string, tryThis: string): RunletError =>
  new RunletError('RN786', { what, where: 'getUserMedia', why, tryThis });

function reasonOf(error: unknown): RunletError {
  const { name, message } = error as DOMException;
  if (name === 'NotAllowedError')
    return refused(
      'this page may not use the microphone',
      'the permission was denied',
      "allow it in the browser's address bar, and try again",
    );
  if (name === 'NotFoundError') return refused('there is no microphone', message, 'plug one in, or open a sound file');
  return refused('the microphone cannot start', `${name}: ${message}`, 'close other programs that use it, or open a sound file');
}

/** @param onSamples receives each piece and may keep it. @throws RN786 the microphone cannot be used */
export async function openMicrophone(onSamples: (samples: Float32Array) => void): Promise<Microphone> {
  const { mediaDevices } = navigator;
  if (!mediaDevices)
    throw refused(
      'this page cannot use the microphone',
      'browsers give it only to pages from https: or localhost',
      'open the page at its 127.0.0.1 address, or serve it over https',
    );
  const audio = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  const stream = await mediaDevices.getUserMedia({ audio }).catch((error: unknown) => {
    throw reasonOf(error);
  });
  const context = new AudioContext();
  try {
    await context.audioWorklet.addModule('capture.js');
    await context.resume();
    const source = context.createMediaStreamSource(stream);
    const capture = new AudioWorkletNode(context, 'capture', { numberOfOutputs: 0 });
    capture.port.onmessage = ({ data }: MessageEvent<Float32Array>) => onSamples(data);
    source.connect(capture);
  } catch (error) {
    for (const track of stream.getTracks()) track.stop();
    await context.close();
    throw reasonOf(error);
  }
  const [track] = stream.getAudioTracks();
  return {
    rateHz: context.sampleRate,
    name: track?.label || 'microphone',
    stop: () => {
      for (const each of stream.getTracks()) each.stop();
      void context.close();
    },
  };
}
