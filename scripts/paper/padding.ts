/**
 * Section B: the share of each layer that zero padding reaches (StreamiNNC section 3.2 B, the paper's figure
 * 5).
 *
 * In: nothing.  Out: the paper's probe and the structural count, per layer of the three trunks.
 * Deterministic.
 */
import { contaminationOf } from '../../models/report/contamination.ts';
import { fAcc, fEeg, fPpg } from './networks.ts';
import { fenced, percent, section } from './section.ts';

const paperValues: Record<string, Record<string, string>> = {
  'f_PPG, k10 d1': { conv3: '10.54 %', conv6: '> 50 % after the 5th', conv8: '100 %', conv9: '100 %' },
  f_EEG: { conv3: '3.12 %' },
  f_ACC: { conv6: '1.25 %' },
};

export function paddingSection(): string {
  const networks = [
    ['f_PPG, k10 d1', fPpg(1, true).graph],
    ['f_PPG', fPpg(1).graph],
    ['f_EEG', fEeg(1).graph],
    ['f_ACC', fAcc(1).graph],
  ] as const;
  const rows = networks.flatMap(([name, graph]) => {
    const all = contaminationOf(graph);
    const end = all.findIndex(({ node }) => node.output === graph.outputs[1]?.tensor);
    return all
      .slice(0, end + 1)
      .map(({ node, rows, left, right, share, probe }) => [
        name,
        node.name,
        String(rows),
        String(left),
        String(right),
        percent(share),
        percent(probe),
        paperValues[name]?.[node.name] ?? '',
      ]);
  });
  return section(
    'B. Reach of zero padding',
    `The paper's probe: an input of ones, kernels of 1/K, no bias; the part of a layer's outputs below 1. The structural count: rows whose receptive
field reaches past the window's left or right edge.`,
    fenced(['network', 'layer', 'rows', 'left', 'right', 'structural', 'probe', 'paper'], rows),
    `The probe gives the paper's figures; for f_PPG it does so only with the kernel of 10 without dilation that the paper's code uses, while the network has 5
with dilation 2. After maximum pooling the probe counts too few rows: one clean tap hides the others. \`contaminationOf\` (models/report/contamination.ts)
gives both for any model.`,
  );
}
