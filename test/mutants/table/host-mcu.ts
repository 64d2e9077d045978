/** Faults in the C host, in messages on the serial line, and in the fit of a board. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: texts of source files
import { inFolder } from '../mutant.ts';

const serial = inFolder('host/flash/serial', [
  {
    id: 'frame-crc',
    file: 'frame.ts',
    find: '!== crc32(bytes.subarray(0, -crcBytes))) return undefined;',
    replace: '!== crc32(bytes.subarray(0, -crcBytes)) && payload.length > 64) return undefined;',
    tests: 'serial/frame',
    env: { RUNLET_SERIAL_FRAMES: '300' },
    why: 'short frames are accepted without their checksum',
  },
  {
    id: 'frame-xoff',
    file: 'frame.ts',
    find: '[0x13, 0xdf],',
    replace: '[0x14, 0xdf],',
    tests: 'serial/frame',
    env: { RUNLET_SERIAL_FRAMES: '300' },
    why: 'a frame can stop the line with XOFF',
  },
  {
    id: 'answer-name-end',
    file: 'message.ts',
    find: '(name.indexOf(0) + name.length + 1) % (name.length + 1)',
    replace: 'Math.max(0, name.indexOf(0))',
    tests: 'serial/frame',
    env: { RUNLET_SERIAL_FRAMES: '300' },
    why: 'a name that fills its field is read as empty',
  },
]);

const image = { RUNLET_IMAGE_FUZZ: '300' };
const flashFew = { RUNLET_SERIAL_CUTS: '1', RUNLET_SERIAL_DOUBLES: '50', RUNLET_SERIAL_INPUTS: '2000' };
const mcu = inFolder('host/mcu', [
  {
    id: 'mcu-record-not-read-back',
    file: 'runlet-flash.c',
    find: 'if (d->read(d->context, AREA_RECORDS, at, back, sizeof back) || memcmp(bytes, back, sizeof back)) return RUNLET_FLASH_IO;',
    replace: 'if (d->read(d->context, AREA_RECORDS, at, back, sizeof back)) return RUNLET_FLASH_IO;',
    tests: 'serial/flash',
    env: flashFew,
    why: 'a record that the flash did not store is accepted',
  },
  {
    id: 'mcu-record-in-place',
    file: 'runlet-flash.c',
    find: 'uint32_t at = (1 - f->sector) * d->sector_bytes;',
    replace: 'uint32_t at = f->sector * d->sector_bytes;',
    tests: 'serial/flash',
    env: flashFew,
    why: 'the valid record is erased before the next one is written',
  },
  {
    id: 'mcu-floor-not-raised',
    file: 'runlet-flash.c',
    find: 'if (has_floor(f) && next.slots[slot].sequence > next.floor) next.floor = next.slots[slot].sequence;',
    replace: '',
    tests: 'serial/sequence',
    why: 'a confirmed image does not raise the floor',
  },
  {
    id: 'mcu-crc-table',
    file: 'runlet-image.c',
    find: '0xbdbdf21c};',
    replace: '0xbdbdf21d};',
    tests: 'mcu/parts',
    env: image,
    why: 'one bit of the CRC-32 table is wrong',
  },
  {
    id: 'mcu-image-inside',
    file: 'runlet-image.c',
    find: 'return at >= HEADER && at <= bytes && count <= bytes - at && at % step == 0;',
    replace: 'return at >= HEADER && at <= bytes && count <= bytes - at + 1 && at % step == 0;',
    tests: 'mcu/parts',
    env: image,
    why: 'a part may end one byte after the image',
  },
  {
    id: 'mcu-queue-room',
    file: 'runlet-queue.c',
    find: 'room = q->capacity - waiting;',
    replace: 'room = q->capacity - waiting + 1;',
    tests: 'mcu/parts',
    why: 'a full queue accepts one more frame, over the oldest',
  },
  {
    id: 'mcu-queue-wrap',
    file: 'runlet-queue.c',
    find: 'memcpy(s.begin, (const uint8_t*)frames + s.bytes, s.rest);',
    replace: 'memcpy(s.begin, (const uint8_t*)frames, s.rest);',
    tests: 'mcu/parts',
    why: 'frames that wrap around the end of the queue repeat the first ones',
  },
  {
    id: 'mcu-detector-window',
    file: 'runlet-detector.c',
    find: 'if (d->filled < window) return 0;',
    replace: 'if (d->filled < window - 1) return 0;',
    tests: 'mcu/parts',
    why: 'a window that is not full is used',
  },
  {
    id: 'mcu-detector-at-cutoff',
    file: 'runlet-detector.c',
    find: '!(mean > cutoff)',
    replace: '!(mean >= cutoff)',
    tests: 'mcu/parts',
    why: 'a mean equal to the cutoff counts',
  },
  {
    id: 'mcu-sha-padding',
    file: 'runlet-sha256.c',
    find: '64 - (size_t)((s->bytes + 8) % 64)',
    replace: '56 - (size_t)(s->bytes % 64 % 56)',
    tests: 'mcu/parts',
    why: 'the padding of messages of 56 to 63 bytes modulo 64 is too short',
  },
  {
    id: 'mcu-sha-length',
    file: 'runlet-sha256.c',
    find: 'uint64_t bits = s->bytes * 8;',
    replace: 'uint64_t bits = (uint16_t)(s->bytes * 8);',
    tests: 'mcu/parts',
    why: 'lengths from 8 KB are cut to 16 bits',
  },
]);

const fit = inFolder('host/fit', [
  {
    id: 'fit-budget-unit',
    file: 'estimate.ts',
    find: 'const budgetMs = rate && (1000 * subject.manifest.hop) / rate;',
    replace: 'const budgetMs = rate && (1024 * subject.manifest.hop) / rate;',
    tests: 'host/report-rules',
    why: 'the time budget is 2 % too large',
  },
  {
    id: 'fit-ram-system',
    file: 'estimate.ts',
    find: 'has: board.ramBytes - board.systemBytes, parts: ram',
    replace: 'has: board.ramBytes, parts: ram',
    tests: 'host/report-rules',
    why: 'RAM of other software counts as free',
  },
  {
    id: 'fit-worst',
    file: 'estimate.ts',
    find: 'time: budget && budget.worst <= 1 }',
    replace: 'time: budget && budget.mean <= 1 }',
    tests: 'host/report-rules',
    why: 'the mean hop decides whether the time is sufficient',
  },
  {
    id: 'fit-wide',
    file: 'native-count.ts',
    find: '[0x79, 0x8a], // i64.clz to i64.rotr',
    replace: '[0x79, 0x7d], // i64.clz to i64.rotr',
    tests: 'host/report-rules',
    why: '64-bit products cost as much as 32-bit ones',
  },
  {
    id: 'fit-range',
    file: 'estimate.ts',
    find: 'range: { low: low * most, high: high * most }',
    replace: 'range: { low: low * most, high: most }',
    tests: 'host/report-rules',
    why: 'the range of an estimate ends at the estimate',
  },
]);

export const hostMcu = [...serial, ...mcu, ...fit];
