/**
 * Sets the gates of models that listen, by the names that the user gave.
 *
 * In: opened models, conditions (gate-condition.ts).  Out: the models with their gates. Error: RN778.
 */
import { RunletError } from '../../models/error.ts';
import { type GateCondition, readGates } from './gate-condition.ts';
import type { ListeningModel, ModelGate } from './listening-model.ts';

const unfit = ({ text }: Pick<GateCondition, 'text'>, what: string, why: string, tryThis: string): RunletError =>
  new RunletError('RN778', { what, where: `gate ${text}`, why, tryThis });

function modelOf(models: readonly ListeningModel[], name: string, condition: GateCondition): ListeningModel {
  const found = models.find((model) => model.name === name);
  if (found) return found;
  const names = models.map((model) => model.name).join(', ');
  throw unfit(condition, `there is no model ${name}`, `the models are ${names}`, 'use one of these names');
}

/** Returns the gate that a condition describes: its model, and the element of the output. @throws RN778 */
function gateOf(models: readonly ListeningModel[], condition: GateCondition): ModelGate {
  const { by: text, threshold, orEqual, holdMs } = condition;
  const colon = models.some(({ name }) => name === text) ? -1 : text.lastIndexOf(':');
  const by = modelOf(models, colon < 0 ? text : text.slice(0, colon), condition);
  const { manifest } = by.session;
  const output = manifest.detector?.output ?? 0;
  const elements = manifest.outputs[output]?.elements ?? 0;
  const labels = by.labels?.length === elements ? by.labels : Array.from({ length: elements }, (_, i) => String(i));
  const label = colon < 0 ? undefined : text.slice(colon + 1);
  const element = label === undefined && elements === 1 ? 0 : labels.indexOf(label ?? '');
  if (element < 0)
    throw unfit(
      condition,
      label === undefined ? `${by.name} has several values in an output` : `${by.name} has no label ${label}`,
      `its labels are ${labels.join(', ')}`,
      `${by.name}:${labels[0]}>${threshold}`,
    );
  return { by: by.name, output, element, threshold, orEqual, ...(holdMs !== undefined && { holdMs }) };
}

function conditionsIn(text: string): GateCondition[] {
  const found = readGates(text);
  if (found) return found;
  throw unfit(
    { text },
    'this condition cannot be read',
    'it is not [MODEL=]GATE[:LABEL]>NUMBER[ for TIME]',
    'kws=vad>0.5 for 1s',
  );
}

/**
 * Returns the models with the gates of the conditions.
 * @param conditions text such as `kws=vad>0.5 for 1s`, or what readGates returned. @throws RN778
 */
export function withGates(models: readonly ListeningModel[], conditions: string | readonly GateCondition[]): ListeningModel[] {
  const gates = new Map<string, ModelGate>();
  for (const condition of typeof conditions === 'string' ? conditionsIn(conditions) : conditions) {
    const gate = gateOf(models, condition);
    const { model } = condition;
    const names = model === undefined ? models.map(({ name }) => name) : [modelOf(models, model, condition).name];
    const gated = model === undefined ? names.filter((name) => name !== gate.by) : names;
    if (gated.length === 0)
      throw unfit(condition, 'there is no model to gate', `${gate.by} is the only model`, 'give a second model');
    for (const name of gated) {
      if (gates.has(name)) throw unfit(condition, `${name} has two gates`, 'a model has one', 'leave one of them out');
      gates.set(name, gate);
    }
  }
  return models.map((model) => ({ ...model, gate: gates.get(model.name) }));
}
