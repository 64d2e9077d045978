/**
 * runlet inspect: shows the contents of a model file or of a bundle, with exact sizes.
 */

import { existsSync } from 'node:fs';
import { readManifest } from '../../assembly/bundle/read.ts';
import { keptOf } from '../../assembly/bundle/timing.ts';
import { clockOf } from '../../models/graph/clock.ts';
import { shortNames } from '../../models/graph/names.ts';
import { graphCells, graphHead, graphLines } from '../../models/graph/print.ts';
import { frameOf, isQuantised } from '../../models/graph/types.ts';
import { append } from '../../models/lists.ts';
import { printable } from '../../models/printable.ts';
import { bytesText } from '../bytes-text.ts';
import { coloursFor, printJson } from '../command/args.ts';
import { bundleFacts, detectorText, formText, homeText, soundLine } from '../command/bundle-facts.ts';
import { weightsPath } from '../command/bundle-file.ts';
import { isWasm, loadGraph, readBytes } from '../command/load.ts';
import { modelArgs } from '../command/model-options.ts';
import { jsonArg, refuseGiven, reworded } from '../command/options.ts';
import { provenanceLines } from '../command/provenance.ts';
import { defineVerb } from '../command/verb.ts';
import { ramLine, ramOf } from '../fit/ram.ts';
import { memoryPicture } from '../report/memory-picture.ts';
import { table } from '../report/table.ts';

export default defineVerb({
  examples: [
    ['inspect model.onnx', 'shows operators, shapes, and the metadata that Runlet reads'],
    ['inspect model.wasm', 'shows inputs, layers and exact sizes of a bundle'],
  ],
  args: { ...modelArgs, model: reworded(modelArgs.model, 'Model file or bundle (.wasm)'), ...jsonArg },
  async run({ args, given }) {
    const bytes = await readBytes(args.model);
    if (isWasm(bytes)) {
      refuseGiven(modelArgs, given, 'a bundle already has its settings', ['model']);
      return inspectBundle(args.model, bytes, args.json);
    }
    const graph = await loadGraph(args, bytes);
    const [input] = graph.inputs;
    const shape = graph.tensors[input?.tensor ?? -1]?.shape ?? { t: 0, f: 0, c: 0 };
    const { window, rates } = clockOf(graph);
    const several = graph.inputs.length > 1;
    if (args.json) {
      const nodes = graph.nodes.map((n) => ({ op: n.op, name: n.name, inputs: n.inputs, output: n.output }));
      const { name, format, sourceDigest, tensors, inputs, outputs, metadata, notes } = graph;
      return printJson({
        name,
        format,
        sourceDigest,
        int8: isQuantised(graph),
        window,
        ...(several && { rates }),
        frame: frameOf(shape),
        inputs,
        outputs,
        tensors,
        nodes,
        metadata,
        notes,
      });
    }
    const { before, after } = graphLines(graph);
    const nodes = table(graphCells(graph), {
      head: graphHead(graph),
      spare: ['op', 'activation', 'params'],
      colour: coloursFor(process.stdout).isColorSupported,
    });
    process.stdout.write(
      `${graph.name}: ${graph.format}, ${isQuantised(graph) ? 'int8' : 'float32'}, window ${several ? `${window} ticks of ${rates.join(' and ')} frames` : `${shape.t} frames of ${shape.f} x ${shape.c}`}\n\n${[...before, nodes, ...after].join('\n')}\n`,
    );
    for (const [key, value] of Object.entries(graph.metadata))
      process.stdout.write(`metadata ${printable(key)}: ${printable(value.slice(0, 200))}\n`);
  },
});

/** Returns the path of a bundle's weights file, with a note if it is missing. */
const weightsFile = (path: string): string =>
  existsSync(weightsPath(path)) ? weightsPath(path) : `${weightsPath(path)}, which is missing`;

function inspectBundle(path: string, wasm: Uint8Array, json = false): void {
  const manifest = readManifest(wasm);
  const facts = bundleFacts(wasm, manifest);
  const kept = keptOf(manifest);
  if (json) {
    printJson({
      ...facts,
      ram: ramOf(facts),
      kept,
      inputs: manifest.inputs,
      outputs: manifest.outputs,
      layers: manifest.layers,
      golden: manifest.golden,
    });
    return;
  }
  const colour = coloursFor(process.stdout).isColorSupported;
  const hasWeightsFile = facts.weights.home !== 'embed';
  const names = shortNames(manifest.layers);
  const { inputs, outputs } = manifest;
  const ports = [...inputs.map((p) => ['input', p] as const), ...outputs.map((p) => ['output', p] as const)];
  const lines = [
    `${manifest.name}: mode ${manifest.mode}, target ${manifest.target}${manifest.style === 'table' ? ', layer table' : ''}, window ${manifest.window}, hop ${manifest.hop}, delay ${manifest.delayFrames}, warm-up ${manifest.warmUpHops}`,
    ...(manifest.reference ? [`equals  ${manifest.reference}, byte for byte`] : []),
    ...(manifest.form === 'wasi' ? [formText] : []),
    ...(manifest.frontEndConfig ? [soundLine(manifest.frontEndConfig)] : []),
    '',
    table(
      ports.map(([kind, p]) => [
        kind,
        p.name,
        `[${p.shape.join('][')}]`,
        p.type ? `${p.hostType} as ${p.type}` : p.hostType,
        p.scale,
        p.zeroPoint,
      ]),
      { head: ['', 'name', '[t][f][c]', 'type', 'scale', 'zero'], spare: ['scale', 'zero'], colour },
    ),
    '',
    table(
      manifest.layers.map((l, i) => [names[i] as string, l.op, l.section, l.macsPerHop, l.macsPerWindow, l.name]),
      {
        head: ['layer', 'op', 'part', 'MACs/hop', 'MACs/window', 'name in the file'],
        spare: ['op', 'part', 'MACs/window'],
        colour,
      },
    ),
    '',
    `file    ${bytesText(facts.fileBytes)} = code ${facts.codeBytes} + ${hasWeightsFile ? 'tables' : 'weights and tables'} ${facts.dataBytes} + manifest ${facts.manifestBytes} bytes`,
    `weights ${facts.weights.bytes} bytes ${hasWeightsFile ? `in ${weightsFile(path)}, ` : ''}${homeText(facts.weights)}`,
    `memory  ${facts.memoryBytes} bytes = weights ${facts.weightBytes} + tables ${facts.tableBytes} + state ${facts.stateBytes} + scratch ${facts.scratchBytes} + io ${facts.ioBytes} + padding ${facts.paddingBytes}`,
    ramLine(facts),
    `work    ${facts.macsPerHop.toLocaleString('en')} MACs per hop, ${facts.macsPerWindow.toLocaleString('en')} per window`,
  ];
  const several = manifest.inputs.length > 1;
  if (kept)
    lines.push(
      `asleep  keeps ${kept.frames.toLocaleString('en')} ${several ? 'ticks' : 'frames'} (${kept.bytes.toLocaleString('en')} bytes) behind a gate`,
    );
  const detects = detectorText(manifest);
  if (detects) lines.push(`detects ${detects}`);
  append(lines, provenanceLines(manifest));
  append(lines, ['', ...memoryPicture(facts)]);
  process.stdout.write(`${lines.join('\n')}\n`);
}
