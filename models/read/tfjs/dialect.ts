/** said: converts an error of the ONNX lowering to one of Keras and TensorFlow.js. */
import { RunletError } from '../../error.ts';
import { lookup } from '../../lookup.ts';

/** Codes of the lowering, with the codes of this format and its advice. */
const codes: Readonly<Record<string, readonly [code: string, tryThis?: string]>> = {
  RN150: ['RN160', 'change these layers, or convert the model without them and run them on the host'],
  RN152: ['RN162', 'convert the model again'],
  RN154: ['RN161', 'convert the model again'],
  RN156: ['RN164'],
  RN157: ['RN164'],
  RN159: ['RN165'],
};

export function said(error: RunletError): RunletError {
  const [code, tryThis] = lookup(codes, error.code) ?? [error.code];
  return new RunletError(code, { ...error.parts, ...(tryThis && { tryThis }) });
}
