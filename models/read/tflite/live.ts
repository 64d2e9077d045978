/**
 * The operators that matter: those that some output or the state behind it needs.
 *
 * In: the checked file.  Out: the same file with the others left out, their numbers kept. A variable
 * matters where what an output needs reads it, and then what is assigned to it does, too. CALL_ONCE stays:
 * it says what variables start with. Cost: linear in the operators and their operands.
 * Source: dead code elimination (Muchnick 1997, 18.10).
 */
import { makersOf, type TfModel, type TfOperator } from './model.ts';
import { Variables } from './variables.ts';

/** @throws RunletError RN103 variables that are inconsistent */
export function live(model: TfModel): TfModel {
  const { ofResource } = new Variables(model);
  const makers = makersOf(model);
  const kept = new Set(model.operators.filter(({ op }) => op === 'CALL_ONCE'));
  const open = [...model.outputs];
  const keep = (op: TfOperator): void => {
    if (kept.has(op)) return;
    kept.add(op);
    for (const index of op.inputs) open.push(index);
  };
  for (let index = open.pop(); index !== undefined; index = open.pop()) {
    const op = makers.get(index);
    if (!op) continue;
    keep(op);
    const variable = op.op === 'READ_VARIABLE' ? ofResource.get(op.inputs[0] ?? -1) : undefined;
    for (const assign of variable?.assigns ?? []) keep(assign);
  }
  return { ...model, operators: model.operators.filter((op) => kept.has(op)) };
}
