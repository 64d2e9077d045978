/**
 * Replaces the loads and stores in wasm2c's output by direct ones without bounds checks, as on a device.
 *
 * In: C code of wabt 1.0.32.  Out: the same with other macros. wasm2c makes each load by memcpy, which
 * becomes byte loads on cores without unaligned word loads, and checks bounds in 64 bits. Here a 64-bit word
 * is two 32-bit ones. QEMU's cores load unaligned words, as Cortex-M4 does; a core that cannot would copy
 * histories by bytes.
 */
import { RunletError } from '../../models/error.ts';

const address = (type: string) => `(${type}*)(rn_mem + (u32)address)`;
const plain = `extern u8 rn_mem[];
#define INLINE static inline __attribute__((always_inline))
#define DEFINE_LOAD(name, t1, t2, t3) INLINE t3 name(wasm_rt_memory_t* memory, u64 address) { \\
    if (sizeof(t1) == 8) { const u32* words = ${address('const u32')}; return (t3)(t2)(t1)(words[0] | (u64)words[1] << 32); } \\
    return (t3)(t2)*${address('const t1')}; \\
  }
#define DEFINE_STORE(name, t1, t2) INLINE void name(wasm_rt_memory_t* memory, u64 address, t2 value) { \\
    if (sizeof(t1) == 8) { u32* words = ${address('u32')}; words[0] = (u32)value; words[1] = (u32)((u64)value >> 32); } \\
    else *${address('t1')} = (t1)value; \\
  }
`;

/** Replaces the macros. @throws RN791 the text is not that of the known version */
export function withPlainMemory(c: string): string {
  const knownMacros =
    /#define DEFINE_LOAD\((?:[^#]|#(?!endif))*?#define DEFINE_STORE\((?:[^#]|#(?!endif))*?(?=#endif\n\nDEFINE_LOAD)/;
  const start = c.indexOf('#else\nstatic inline void load_data');
  const end = c.indexOf('#endif\n\nDEFINE_LOAD', start);
  if (start < 0 || end < 0 || !knownMacros.test(c.slice(start, end + 30)))
    throw new RunletError('RN791', {
      what: "this version does not know the form of wasm2c's output",
      where: 'its load and store macros',
      tryThis: 'install wabt 1.0.32, as in Debian 12',
    });
  const macros = c.slice(start, end).replace(/#define DEFINE_LOAD\([\s\S]*$/, plain);
  return (c.slice(0, start) + macros + c.slice(end)).replace(/^DEFINE_(LOAD|STORE)\((f32|f64).*\n/gm, '');
}
