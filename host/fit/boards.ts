/**
 * Table of the boards that `runlet fit` knows, with the source of each figure.
 *
 * Out: clock, flash, RAM, core.  RAM is the part that the chip's data bus reaches. Assumptions: the vendor's
 * software (an operating system and drivers without radio) takes `systemBytes` of it; the clock is the
 * highest of the data sheet; one of two cores runs the model.
 */
export interface CoreModel {
  name: string;
  /** Core whose instructions are counted, and the factor from that count to this core. */
  counted: 'rv32' | 'm4' | 'm0';
  times: number;
  /** Average cycles per instruction, an assumption. */
  cycles: number;
  /** Source of `times` and `cycles`. */
  why: string;
  /**
   * Bytes of machine code per byte of wasm code. Measured once over 300 random networks, with wasm2c 1.0.32
   * and gcc 12.2 -O2; WAMR's compiler and Xtensa were not measured.
   */
  codeTimes: number;
}

export const coreModels = {
  m4: {
    name: 'Cortex-M4F',
    counted: 'm4',
    times: 1,
    cycles: 1.3,
    why: 'Cortex-M4 Technical Reference Manual, "Instruction set summary": most take 1 cycle, a load 2 (1 behind another load), a taken branch 2 to 4',
    codeTimes: 1.22,
  },
  m0: {
    name: 'Cortex-M0+',
    counted: 'm0',
    times: 1,
    cycles: 1.4,
    why: 'Cortex-M0+ Technical Reference Manual, "Instruction set summary": most take 1 cycle, a load or store 2, a taken branch 2',
    codeTimes: 2.08,
  },
  rv32: {
    name: 'RV32IMC',
    counted: 'rv32',
    times: 1,
    cycles: 1.3,
    why: 'four-stage in-order pipeline; a taken branch, and a load that the next instruction needs, cost one or two cycles more; no figure is published, 1.3 is an assumption',
    codeTimes: 2.04,
  },
  lx6: {
    name: 'Xtensa LX6',
    counted: 'rv32',
    times: 1,
    cycles: 1.4,
    why: 'not counted: the count of RV32IMC is used, which also has three operands and a 32-bit multiplier; 1.4, for loads and taken branches, is an assumption',
    codeTimes: 2.04,
  },
  lx7: {
    name: 'Xtensa LX7',
    counted: 'rv32',
    times: 1,
    cycles: 1.3,
    why: 'not counted: the count of RV32IMC is used; 1.3 is an assumption. Its 128-bit vector instructions are not used',
    codeTimes: 2.04,
  },
} as const satisfies Record<string, CoreModel>;

export interface Board {
  name: string;
  core: keyof typeof coreModels;
  hz: number;
  flashBytes: number;
  ramBytes: number;
  systemBytes: number;
  /** Flash that the vendor's software takes, an assumption. */
  systemFlashBytes: number;
  /** Source of the figures. */
  source: string;
}

const KB = 1024;
const MB = 1024 * KB;

export const boards: Record<string, Board> = {
  esp32: {
    name: 'ESP32, 4 MB module',
    core: 'lx6',
    hz: 240e6,
    flashBytes: 4 * MB,
    ramBytes: 320 * KB,
    systemBytes: 96 * KB,
    systemFlashBytes: 512 * KB,
    source:
      'ESP32 Series Datasheet, "CPU and Memory": 240 MHz, 520 KB SRAM; ESP-IDF Programming Guide, "Memory Types": 320 KB of it for data',
  },
  esp32s3: {
    name: 'ESP32-S3, 8 MB module',
    core: 'lx7',
    hz: 240e6,
    flashBytes: 8 * MB,
    ramBytes: 416 * KB,
    systemBytes: 96 * KB,
    systemFlashBytes: 512 * KB,
    source: 'ESP32-S3 Series Datasheet, "CPU and Memory": 240 MHz, 512 KB SRAM, of which 416 KB (SRAM1) serve data',
  },
  esp32c3: {
    name: 'ESP32-C3, 4 MB module',
    core: 'rv32',
    hz: 160e6,
    flashBytes: 4 * MB,
    ramBytes: 384 * KB,
    systemBytes: 96 * KB,
    systemFlashBytes: 512 * KB,
    source: 'ESP32-C3 Series Datasheet, "CPU and Memory": RV32IMC, 160 MHz, 400 KB SRAM, 16 KB of it for the cache',
  },
  nrf52840: {
    name: 'nRF52840',
    core: 'm4',
    hz: 64e6,
    flashBytes: 1 * MB,
    ramBytes: 256 * KB,
    systemBytes: 32 * KB,
    systemFlashBytes: 128 * KB,
    source: 'nRF52840 Product Specification, "CPU" and "Memory": Cortex-M4F, 64 MHz, 1 MB flash, 256 KB RAM',
  },
  rp2040: {
    name: 'RP2040, 2 MB flash (Raspberry Pi Pico)',
    core: 'm0',
    hz: 133e6,
    flashBytes: 2 * MB,
    ramBytes: 264 * KB,
    systemBytes: 32 * KB,
    systemFlashBytes: 128 * KB,
    source:
      'RP2040 Datasheet, "The Chip" and "Memory": two Cortex-M0+, 133 MHz, 264 KB SRAM; flash as on the Pico (Raspberry Pi Pico Datasheet)',
  },
  stm32l4: {
    name: 'STM32L476',
    core: 'm4',
    hz: 80e6,
    flashBytes: 1 * MB,
    ramBytes: 128 * KB,
    systemBytes: 16 * KB,
    systemFlashBytes: 64 * KB,
    source:
      'STM32L476xx Datasheet (DS10198), "Features": Cortex-M4F, 80 MHz, 1 MB flash, 128 KB SRAM (96 + 32, in separate address ranges)',
  },
};
