/**
 * Describes the machine on which figures are measured.
 *
 * Out: the processor, its number of cores, its instruction sets that speed up int8 kernels, and Node's
 * version.
 */
import { existsSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';

export interface Machine {
  cpu: string;
  cores: number;
  /** Instruction sets by their Linux names; empty if the system does not list them. */
  isa: string[];
  os: string;
  node: string;
}

/** Instruction sets for vectors and for dot products of bytes, x86-64 and ARM. */
const sets = ['avx2', 'avx512_vnni', 'avx_vnni', 'asimd', 'asimddp', 'i8mm'];

export function machine(): Machine {
  const info = existsSync('/proc/cpuinfo') ? readFileSync('/proc/cpuinfo', 'utf8') : '';
  const flags = /^(?:flags|Features)\s*:(.*)$/m.exec(info)?.[1]?.trim().split(/\s+/) ?? [];
  return {
    cpu: cpus()[0]?.model ?? process.arch,
    cores: cpus().length,
    isa: sets.filter((name) => flags.includes(name)),
    os: `${process.platform} ${process.arch}`,
    node: process.versions.node,
  };
}
