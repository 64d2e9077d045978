/** Every mutant. */
import type { Mutant } from './mutant.ts';
import { assembly } from './table/assembly.ts';
import { gateway } from './table/gateway.ts';
import { host } from './table/host.ts';
import { models } from './table/models.ts';
import { modelsRead } from './table/models-read.ts';
import { quant } from './table/quant.ts';

export const all: readonly Mutant[] = [...modelsRead, ...models, ...quant, ...assembly, ...host, ...gateway];
