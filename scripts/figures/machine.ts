/**
 * What figures were measured on.
 *
 * Out: the processor, its cores, those of its instruction sets that matter to int8 kernels, and Node's
 * version.
 */
import { existsSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';

export interface Machine {
  cpu: string;
  cores: number;
  /** As Linux names them; empty where the system does not say. */
  isa: string[];
  os: string;
  node: string;
}

/** Vectors and dot products of bytes, x86-64 and ARM. */
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
