/**
 * runlet build: a model file to a bundle, one WebAssembly module.
 */
import { join } from 'node:path';
import { defineCommand } from 'citty';
import { build } from '../../assembly/build.ts';
import { planSummary } from '../../models/stream/print.ts';
import { bytesText } from '../report/table.ts';
import { LabelDetector } from '../session/label-detector.ts';
import { jsonArg, printJson } from './args.ts';
import { bundleFacts, detectorText } from './bundle-facts.ts';
import {
  calibArgs,
  detectorArgs,
  loadGraph,
  loadQuantPlan,
  manifestFields,
  modelArgs,
  planArgs,
  planOptions,
  styleArg,
  styleOf,
} from './load.ts';
import { producer } from './producer.ts';
import { writeOut } from './save.ts';

export default defineCommand({
  meta: { name: 'build', description: 'Build a streaming WebAssembly module from a model' },
  args: {
    ...modelArgs,
    ...planArgs,
    ...calibArgs,
    output: { type: 'string', alias: 'o', description: 'Where the bundle goes (default: <model>.wasm)' },
    target: { type: 'string', description: 'Kernel style: interp (scalar)', default: 'interp' },
    ...styleArg,
    ...detectorArgs,
    emitAs: { type: 'string', description: 'Keep the generated AssemblyScript in this folder' },
    ...jsonArg,
  },
  async run({ args }) {
    const graph = await loadGraph(args);
    const quant = await loadQuantPlan(graph, planOptions(graph, args), args);
    const started = performance.now();
    const bundle = await build(quant, {
      producer: producer(),
      target: args.target,
      style: styleOf(args),
      shrink: true,
      ...manifestFields(graph, args),
    });
    if (bundle.manifest.detector) new LabelDetector(bundle.manifest, 0); // throws where the labels do not fit
    const buildMs = performance.now() - started;
    if (args.emitAs) await writeSource(args.emitAs, bundle.source);
    const output = args.output ?? `${graph.name}.wasm`;
    await writeOut(output, bundle.wasm);
    const facts = bundleFacts(bundle.wasm, bundle.manifest);
    if (args.json) return printJson({ output, buildMs, ...facts });
    process.stdout.write(`${planSummary(quant.plan, bundle.manifest.sampleRateHz).join('\n')}\n`);
    process.stdout.write(
      `bundle      ${output}: ${bytesText(facts.fileBytes)} (code ${bytesText(facts.codeBytes)}, weights ${bytesText(facts.weightBytes)}, tables ${bytesText(facts.tableBytes)}, manifest ${bytesText(facts.manifestBytes)})\n`,
    );
    process.stdout.write(
      `memory      ${facts.memoryBytes.toLocaleString('en')} bytes: weights and tables ${(facts.weightBytes + facts.tableBytes).toLocaleString('en')}, state ${facts.stateBytes}, scratch ${facts.scratchBytes}, io ${facts.ioBytes}, padding ${facts.paddingBytes}\n`,
    );
    const detects = detectorText(bundle.manifest);
    if (detects) process.stdout.write(`detects     ${detects}\n`);
  },
});

async function writeSource(folder: string, files: Record<string, string>): Promise<void> {
  for (const [name, text] of Object.entries(files)) await writeOut(join(folder, name), text);
}
