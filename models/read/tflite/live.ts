/**
 * live: keeps only the operators that an output, or a state behind an output, needs.
 *
 * In: the checked file.
 * Out: the file without the other operators; those that remain keep their indexes. If a needed operator reads
 * a variable, the operators that assign it are needed too. CALL_ONCE stays, because it sets the initial
 * values of variables.
 * Cost: linear in the operators and their operands.
 * Source: dead code elimination (Muchnick 1997, 18.10).
 */
import { makersOf, type TfModel, type TfOperator } from './model.ts';
import { Variables } from './variables.ts';

/** Removes the other operators; see the header. @throws RunletError RN103 if variables are inconsistent */
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
