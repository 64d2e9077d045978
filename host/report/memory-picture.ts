/**
 * Draws the linear memory as text: one line per region, with a bar at the region's position.
 *
 * In: sizes of the regions in bytes, in the order of assembly/emit/memory.ts; weights that the host copies
 * are after the tables.  Out: lines of at most 79 columns. A region that is not empty has at least one cell.
 */
import { maxOf } from '../../models/lists.ts';
export interface RegionBytes {
  weightBytes: number;
  tableBytes: number;
  stateBytes: number;
  ioBytes: number;
  scratchBytes: number;
  memoryBytes: number;
  weights?: { home: string };
}

const cells = 48;

export function memoryPicture(bytes: RegionBytes): string[] {
  const weights: [string, number] = ['weights', bytes.weightBytes];
  const tables: [string, number] = ['tables', bytes.tableBytes];
  const regions: [name: string, bytes: number][] = [
    ...(bytes.weights?.home === 'linear' ? [tables, weights] : [weights, tables]),
    ['state', bytes.stateBytes],
    ['io', bytes.ioBytes],
    ['scratch', bytes.scratchBytes],
  ];
  const width = maxOf(regions.map(([, n]) => n.toLocaleString('en').length));
  let at = 0;
  return regions
    .filter(([, n]) => n > 0)
    .map(([name, n]) => {
      const from = Math.min(cells - 1, Math.floor((cells * at) / bytes.memoryBytes));
      at += n;
      const to = Math.min(cells, Math.max(from + 1, Math.round((cells * at) / bytes.memoryBytes)));
      const bar = `${'·'.repeat(from)}${'█'.repeat(to - from)}${'·'.repeat(cells - to)}`;
      const share = `${((100 * n) / bytes.memoryBytes).toFixed(1)} %`;
      return `${name.padEnd(8)}${bar}  ${n.toLocaleString('en').padStart(width)}  ${share.padStart(6)}`;
    });
}
