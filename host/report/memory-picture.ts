/**
 * Linear memory as a picture in text: a line a region, each where it lies, from the first byte to the last.
 *
 * In: bytes of the regions, in the order of assembly/emit/memory.ts.  Out: lines of at most 79 columns.  A region of at least one byte has at least one cell.
 */
export interface RegionBytes {
  weightBytes: number;
  tableBytes: number;
  stateBytes: number;
  ioBytes: number;
  scratchBytes: number;
  memoryBytes: number;
}

const cells = 48;

export function memoryPicture(bytes: RegionBytes): string[] {
  const regions: [name: string, bytes: number][] = [
    ['weights', bytes.weightBytes],
    ['tables', bytes.tableBytes],
    ['state', bytes.stateBytes],
    ['io', bytes.ioBytes],
    ['scratch', bytes.scratchBytes],
  ];
  const width = Math.max(...regions.map(([, n]) => n.toLocaleString('en').length));
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
