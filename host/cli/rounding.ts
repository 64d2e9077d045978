/**
 * The option --rounding: whose bytes fully connected layers give.
 *
 * In: the option's text.  Out: a Rounding (models/graph/rounding.ts).
 */
import { type Rounding, roundings } from '../../models/graph/rounding.ts';
import { badOption, choiceOption } from './args.ts';

export const roundingArg = {
  rounding: {
    type: 'string',
    description:
      'Whose bytes fully connected layers give: tflm (TensorFlow Lite Micro, default), tflm-f32 (before mid-2026) or litert (docs/quantisation.md)',
    valueHint: 'reference',
  },
} as const;

/** @throws RN740, which names the option for weights where that was meant */
export function roundingOption(value: string | undefined): Rounding | undefined {
  if (value === 'nearest' || value === 'together')
    throw badOption('rounding', value, `${roundings.join(', ')}; how weights are rounded is --weight-rounding ${value}`);
  return choiceOption('rounding', value, roundings);
}
