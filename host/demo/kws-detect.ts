/**
 * Runs kws on sound, detects words, and compares the detections with a script.
 *
 * In: int16 PCM in pieces; a session of kws with its front end.  Out: the scores of every output, float32
 * [outputs][12], one every 40 ms; hits, misses and false accepts.  Rule: a detection is a hit if it has the
 * word's label and lies between the word's start and 0.8 s after its end (the window is one second, and the
 * mean of several outputs adds delay). Every other detection is a false accept.
 */
import type { Manifest } from '../../assembly/bundle/manifest.ts';
import { type Detection, LabelDetector, type Session } from '../session/index.ts';
import { labels } from './kws-clips.ts';
import { endSample, hopSeconds, rateHz } from './kws-model.ts';

/** Computes all scores of a signal, and its number of samples. */
export function scoresOf(session: Session, sound: Iterable<Int16Array>): { scores: Float32Array[]; samples: number } {
  const scores: Float32Array[] = [];
  let samples = 0;
  session.reset();
  for (const pcm of sound) {
    samples += pcm.length;
    session.pushAll(pcm, () => scores.push(session.output().slice()));
  }
  return { scores, samples };
}

export interface Rule {
  cutoff: number;
  slidingWindow: number;
  refractoryMs: number;
  /** Cutoffs of single words. */
  cutoffs?: Record<string, number>;
  /** Only this word is heard. */
  label?: string;
}

export function detect(manifest: Manifest, scores: readonly Float32Array[], rule: Rule): Detection[] {
  const detector = new LabelDetector({ ...manifest, labels, detector: { ...rule, output: 0 } }, 1000 * hopSeconds);
  const heard: Detection[] = [];
  for (const [n, values] of scores.entries()) {
    const detection = detector.push(values, (1000 * endSample(n)) / rateHz);
    if (detection) heard.push(detection);
  }
  return heard;
}

export interface Word {
  word: string;
  /** Seconds. */
  start: number;
  end: number;
}

export interface Count {
  hits: number;
  missed: Word[];
  falseAccepts: Detection[];
}

/** Maximum time from the end of a word to its detection, in seconds. */
export const latest = 0.8;

export function count(words: readonly Word[], heard: readonly Detection[]): Count {
  const free = new Set(heard);
  const missed = words.filter(({ word, start, end }) => {
    for (const d of free) {
      const at = d.timeMs / 1000;
      if (d.label !== word || at < start || at > end + latest) continue;
      free.delete(d);
      return false;
    }
    return true;
  });
  return { hits: words.length - missed.length, missed, falseAccepts: [...free] };
}
