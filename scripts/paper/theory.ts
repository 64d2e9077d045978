/**
 * Section F: work of the whole model per hop, head included (StreamiNNC section 1.7 and 3.4).
 *
 * In: nothing.  Out: multiply-accumulates per window over those per hop, from the planner. Deterministic.
 */
import { planStream } from '../../models/stream/plan.ts';
import { fAcc, fEeg, fPpg } from './networks.ts';
import { fenced, section } from './section.ts';

/**
 * Multiply-accumulates of f_PPG's attention: 4 heads of 16 over 16 rows of 64; query, key, value and output
 * projections, scores, weighted sum.
 */
export const attentionMacs = 16 * (3 * 64 * 64 + 64 * 64) + 2 * 4 * 16 * 16 * 16;

/** Returns (MAC_h + MAC_g) / (MAC_h * S / L + MAC_g). @param extra multiply-accumulates added to g */
export function speedUp(network: ReturnType<typeof fPpg>, mode: 'stream' | 'edge-exact', extra = 0): number {
  const { macsPerWindow, macsPerHop } = planStream(network.graph, { hop: network.hop, mode, prefer: 'work' });
  return (macsPerWindow + extra) / (macsPerHop + extra);
}

export function theorySection(): string {
  const million = (macs: number) => `${(macs / 1e6).toFixed(3)} M`;
  const rows = (
    [
      [fPpg(1), '3.49'],
      [fEeg(1), '3.90'],
      [fAcc(1), '5.97'],
    ] as const
  ).map(([net, stated]) => {
    const plan = planStream(net.graph, { hop: net.hop, mode: 'stream' });
    const attention = net.name === 'f_PPG' ? attentionMacs : 0;
    return [
      net.name,
      `${net.window / net.hop}`,
      million(plan.macsPerWindow),
      million(plan.macsPerHop),
      speedUp(net, 'stream').toFixed(2),
      attention ? speedUp(net, 'stream', attention).toFixed(2) : '',
      stated,
      speedUp(net, 'edge-exact').toFixed(2),
    ];
  });
  return section(
    'F. Work of the whole model',
    `The paper states L/S for the trunk and ignores the head, which is computed at every hop. Expected is (MAC_h + MAC_g) / (MAC_h * S / L + MAC_g).`,
    fenced(['network', 'L/S', 'MACs/window', 'MACs/hop', 'speed-up', 'with attention', 'expected', 'edge-exact'], rows),
    `The expected figure of f_PPG counts its attention, ${attentionMacs.toLocaleString('en')} MACs in g, which our f_PPG omits; the column "with attention" adds them.
\`edge-exact\` is this project's mode that equals the zero-padded windows bit for bit; its figure is the planner's with the least work (\`--prefer work\`), without attention.`,
  );
}
