/**
 * wasm2c's output with loads and stores that go straight to one array, without bounds checks: what a device's
 * own build would have.
 *
 * In: C as wabt 1.0.32 writes it.  Out: the same with other macros. wasm2c copies every load through memcpy,
 * which becomes byte loads on cores that do not load words from any address, and checks bounds in 64 bits.
 * Words of 64 bits are two of 32 here. QEMU's cores load words from any address, as Cortex-M4 does; a core
 * that does not would move histories by the byte.
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

/** @throws RN791 where the text is not that of the known version */
export function withPlainMemory(c: string): string {
  const own = /#define DEFINE_LOAD\((?:[^#]|#(?!endif))*?#define DEFINE_STORE\((?:[^#]|#(?!endif))*?(?=#endif\n\nDEFINE_LOAD)/;
  const start = c.indexOf('#else\nstatic inline void load_data');
  const end = c.indexOf('#endif\n\nDEFINE_LOAD', start);
  if (start < 0 || end < 0 || !own.test(c.slice(start, end + 30)))
    throw new RunletError('RN791', {
      what: "wasm2c's output is not what this version knows",
      where: 'its load and store macros',
      tryThis: 'wabt 1.0.32, as in Debian 12',
    });
  const macros = c.slice(start, end).replace(/#define DEFINE_LOAD\([\s\S]*$/, plain);
  return (c.slice(0, start) + macros + c.slice(end)).replace(/^DEFINE_(LOAD|STORE)\((f32|f64).*\n/gm, '');
}
