/**
 * The controls: buttons, dropped or chosen files, the cutoff, and the status line.
 *
 * In: the user's input.  Out: calls of the actions; methods that show a state.
 */
import type { Target } from '../../assembly/emit/target.ts';
import { byId, make } from './dom.ts';
import { clockText } from './draw/axis.ts';
import type { Hearing } from './hearing.ts';
import type { Loaded, LoadOptions, Recording } from './protocol.ts';
import type { Reading } from './reading.ts';

export interface Actions {
  microphone: () => Promise<void>;
  play: () => Promise<void>;
  all: () => Promise<void>;
  files: (files: File[]) => Promise<void>;
  cutoff: (value: number) => void;
  options: (options: LoadOptions) => Promise<void>;
}

type Activity = 'microphone' | 'playing' | 'all';

export interface Controls {
  say: (text: string) => void;
  model: (loaded: Loaded, reading: Reading, hearing: Hearing) => void;
  activity: (activity: Activity | undefined, recording: Recording | undefined) => void;
  progress: (activity: Activity, endS: number, recording: Recording | undefined) => void;
  chooseFile: () => void;
  speed: () => number;
}

function bindFiles(open: (files: File[]) => void): () => void {
  const file = byId<HTMLInputElement>('file');
  file.addEventListener('change', () => {
    const files = [...(file.files ?? [])];
    file.value = '';
    if (files.length > 0) open(files);
  });
  const drop = byId('drop');
  let depth = 0;
  const show = (shown: boolean) => {
    drop.hidden = !shown;
  };
  addEventListener('dragenter', (event) => {
    event.preventDefault();
    depth++;
    show(true);
  });
  addEventListener('dragover', (event) => event.preventDefault());
  addEventListener('dragleave', () => {
    depth = Math.max(0, depth - 1);
    if (depth === 0) show(false);
  });
  addEventListener('drop', (event) => {
    event.preventDefault();
    depth = 0;
    show(false);
    const files = [...(event.dataTransfer?.files ?? [])];
    if (files.length > 0) open(files);
  });
  return () => file.click();
}

const textOf = (button: HTMLElement, text: string): void => {
  (button.querySelector('span') as HTMLElement).textContent = text;
};

export function bindControls(actions: Actions): Controls {
  const [microphone, playButton, all] = [byId('microphone'), byId<HTMLButtonElement>('play'), byId<HTMLButtonElement>('all')];
  const source = byId('source');
  const cutoff = byId<HTMLInputElement>('cutoff');
  const speed = make('select', { id: 'speed', ariaLabel: 'Speed' });
  playButton.after(speed);
  microphone.onclick = () => void actions.microphone();
  playButton.onclick = () => void actions.play();
  all.onclick = () => void actions.all();
  const chooseFile = bindFiles((files) => void actions.files(files));
  byId('open-model').onclick = chooseFile;
  byId('open-recording').onclick = chooseFile;
  const showCutoff = () => {
    byId('cutoff-value').textContent = `${Math.round(100 * Number(cutoff.value))} %`;
  };
  cutoff.oninput = () => {
    showCutoff();
    actions.cutoff(Number(cutoff.value));
  };
  byId<HTMLFormElement>('options-form').onsubmit = (event) => {
    event.preventDefault();
    const hop = Number(byId<HTMLInputElement>('hop').value);
    const frontEnd = byId<HTMLSelectElement>('front-end').value;
    const code = byId<HTMLSelectElement>('code').value as Target | '';
    void actions.options({ ...(hop >= 1 && { hop }), ...(frontEnd && { frontEnd }), ...(code && { code }) });
  };
  return {
    say: (text) => {
      source.textContent = text;
      // shown near the Apply button too, where the status line may be out of view
      byId('compiling').textContent = text;
    },
    model: ({ feed, rows, rateHz, traces, gate }, { kind }, hearing) => {
      const hears = feed === 'sound' || feed === 'rows';
      microphone.hidden = !hears;
      speed.hidden = hears;
      const speeds = [1, 2, 8, 32];
      speed.replaceChildren(...speeds.map((n) => make('option', { value: String(n), textContent: `${n} ×` })));
      speed.value = String(hears ? 1 : rateHz < 40 ? 8 : 2);
      byId('cutoff-label').hidden = hearing.cutoff === undefined;
      cutoff.value = String(hearing.cutoff ?? 0.5);
      showCutoff();
      byId('lanes').dataset.kind = kind;
      byId('lanes').classList.toggle('no-features', !rows);
      const lanes = byId('lanes');
      lanes.classList.toggle('no-words', hearing.kind === undefined && kind !== 'words');
      lanes.classList.toggle('several', traces > 1);
      lanes.classList.toggle('no-wave', traces === 0);
      lanes.classList.toggle('no-gate', !gate);
      byId('heard-title').textContent = hearing.kind === 'beats' ? 'Beats' : 'Heard';
    },
    activity: (activity, recording) => {
      byId('compiling').textContent = '';
      microphone.ariaPressed = String(activity === 'microphone');
      textOf(microphone, activity === 'microphone' ? 'Stop' : 'Microphone');
      playButton.ariaPressed = String(activity === 'playing');
      textOf(playButton, activity === 'playing' ? 'Stop' : 'Play');
      playButton.disabled = !recording;
      all.disabled = !recording || activity === 'all';
      if (!activity) source.textContent = recording ? `${recording.name}, ${clockText(recording.seconds)}` : '';
    },
    progress: (activity, endS, recording) => {
      if (activity === 'microphone') source.textContent = `listening, ${clockText(endS)}`;
      else if (recording) source.textContent = `${recording.name}, ${clockText(endS)} of ${clockText(recording.seconds)}`;
    },
    chooseFile,
    speed: () => (speed.hidden ? 1 : Number(speed.value)),
  };
}
