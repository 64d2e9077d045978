/**
 * Parts of the C host that need no runtime, each compared with another implementation: SHA-256 and CRC-32
 * (Node), the queue (a plain model), the detector (host/session/label-detector.ts), and the image reader at
 * the end of an image. One program, with address and undefined-behaviour sanitizers.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { makeImage } from '../../assembly/bundle/image.ts';
import { LabelDetector } from '../../host/session/label-detector.ts';
import { missing } from '../bare/run.ts';
import { tinyManifest } from '../host/tiny-bundle.ts';
import { random } from '../property/random-network.ts';
import { root } from '../shared.ts';

const absent = missing(['gcc']);
if (absent) console.log(absent);
const only = absent ? test.skip : test;
const folder = mkdtempSync(join(tmpdir(), 'runlet-parts-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));
const mcu = join(root, 'host/mcu');

const source = `#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "runlet-detector.h"
#include "runlet-image.h"
#include "runlet-queue.h"
#include "runlet-sha256.h"
static uint8_t *read_file(const char *path, size_t *bytes) {
  FILE *f = fopen(path, "rb");
  if (!f) exit(9);
  fseek(f, 0, SEEK_END);
  *bytes = (size_t)ftell(f);
  rewind(f);
  uint8_t *all = aligned_alloc(16, (*bytes + 31) / 16 * 16);
  if (fread(all, 1, *bytes, f) != *bytes) exit(9);
  fclose(f);
  return all;
}
static void digests(const uint8_t *all, size_t bytes) {
  for (size_t n = 0; n <= bytes; n += n < 200 ? 1 : 977) {
    uint8_t digest[32];
    runlet_sha256_of(NULL, all, n, digest);
    printf("%zu %u ", n, runlet_crc32(0, all, (uint32_t)n));
    for (int i = 0; i < 32; i++) printf("%02x", digest[i]);
    printf("\\n");
  }
}
/* numbered frames of two bytes: frames are taken in order, and those without room are counted */
static int queue_errors(void) {
  static uint8_t memory[16];
  struct runlet_queue q;
  uint32_t x = 1, next_put = 0, stored[4096], put = 0, taken = 0, lost = 0;
  int wrong = !runlet_queue_init(&q, memory, 2, 8);
  for (int step = 0; step < 1500; step++) {
    x = x * 1664525 + 1013904223;
    uint32_t count = x >> 29, room = 8 - (put - taken);
    uint8_t frames[16];
    if (x >> 28 & 1) {
      for (uint32_t i = 0; i < count; i++) frames[2 * i] = (uint8_t)(next_put + i), frames[2 * i + 1] = (uint8_t)((next_put + i) >> 8);
      uint32_t fits = count < room ? count : room;
      wrong += runlet_queue_put(&q, frames, count) != fits;
      for (uint32_t i = 0; i < fits; i++) stored[put++] = next_put + i;
      next_put += count;
      lost += count - fits;
    } else {
      uint32_t there = put - taken >= count ? count : 0;
      wrong += runlet_queue_take(&q, frames, count) != there;
      for (uint32_t i = 0; i < there; i++) wrong += (uint32_t)(frames[2 * i] | frames[2 * i + 1] << 8) != (stored[taken + i] & 0xffff);
      taken += there;
    }
    wrong += runlet_queue_waiting(&q) != put - taken || runlet_queue_lost_in_all(&q) != lost;
  }
  return wrong;
}
static void detect(const struct runlet_image *image, const float *values, size_t outputs) {
  struct runlet_detector d;
  struct runlet_heard heard;
  void *memory = aligned_alloc(16, (runlet_detector_bytes(image) + 15) / 16 * 16);
  if (!runlet_detector_init(&d, image, memory)) exit(8);
  for (size_t n = 0; n < outputs; n++)
    if (runlet_detector_push(&d, values + n * image->labels, 20.0 * (double)(n + 1), &heard))
      printf("%zu %s %.17g\\n", n, runlet_image_label(image, heard.element), heard.mean);
  free(memory);
}
int main(int argc, char **argv) {
  size_t bytes, more;
  if (argc < 2) return 9;
  if (!strcmp(argv[1], "queue")) return printf("%d\\n", queue_errors()) < 0;
  uint8_t *all = read_file(argv[2], &bytes);
  if (!strcmp(argv[1], "digests")) digests(all, bytes);
  struct runlet_image image;
  if (!strcmp(argv[1], "read")) printf("%d\\n", runlet_image_read(&image, all, (uint32_t)bytes));
  if (!strcmp(argv[1], "detect")) {
    uint8_t *values = read_file(argv[3], &more);
    if (runlet_image_read(&image, all, (uint32_t)bytes)) return 7;
    detect(&image, (const float *)values, more / sizeof(float) / image.labels);
    free(values);
  }
  free(all);
  return 0;
}
`;

let made: string | undefined;
function program(...args: string[]): string[] {
  if (!made) {
    made = join(folder, 'parts');
    writeFileSync(`${made}.c`, source);
    const files = ['image', 'queue', 'detector', 'sha256'].map((name) => join(mcu, `runlet-${name}.c`));
    const flags = ['-std=c11', '-O1', '-g', '-fsanitize=address,undefined', '-fno-sanitize-recover=all', '-I', mcu];
    execFileSync('gcc', [...flags, `${made}.c`, ...files, '-o', made], { stdio: 'pipe' });
  }
  return execFileSync(made, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
    .trimEnd()
    .split('\n');
}
const write = (name: string, bytes: Uint8Array): string => {
  writeFileSync(join(folder, name), bytes);
  return join(folder, name);
};

only('SHA-256 and CRC-32 are right for every length to 200 bytes, and for some to 10,000', () => {
  const rnd = random(3);
  const bytes = Uint8Array.from({ length: 10_000 }, () => Math.floor(rnd() * 256));
  for (const line of program('digests', write('bytes', bytes))) {
    const [length, crc, digest] = line.split(' ') as [string, string, string];
    const part = bytes.subarray(0, Number(length));
    assert.is(digest, createHash('sha256').update(part).digest('hex'), `${length} bytes`);
    assert.is(Number(crc), crc32(part), `${length} bytes`);
  }
});

only('the queue gives its frames in order, and counts those without room', () => {
  assert.equal(program('queue'), ['0']);
});

const words = [
  { element: 0, label: 'yes', cutoff: 0.5 },
  { element: 2, label: 'no', cutoff: 0.625 },
];
/** Returns a manifest of three labels, one of them background, and its image. */
function spoken() {
  const manifest = tinyManifest({ labels: ['yes', '_unknown_', 'no'] });
  for (const output of manifest.outputs) output.elements = 3;
  const cutoffs = Object.fromEntries(words.map(({ label, cutoff }) => [label, cutoff]));
  manifest.detector = { cutoff: 0.5, cutoffs, slidingWindow: 4, refractoryMs: 130, output: 0 };
  const detector = { output: 0, slidingWindow: 4, refractoryMs: 130, voice: false, words };
  return { manifest, image: makeImage({ wasm: Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0), manifest, detector }) };
}

only('the detector hears the same words as the session at the same outputs, also if a mean equals the cutoff', () => {
  const { manifest, image } = spoken();
  const rnd = random(11);
  const outputs = 4000;
  // multiples of 1/8, so that some means equal a cutoff exactly
  let [level, left] = [0, 0];
  const values = Float32Array.from({ length: 3 * outputs }, () => {
    if (left-- <= 0) [level, left] = [Math.floor(rnd() * 9), Math.floor(rnd() * 18)];
    return Math.min(8, Math.max(0, level + Math.floor(rnd() * 3) - 1)) / 8;
  });
  const detector = new LabelDetector(manifest, 20);
  const heard: string[] = [];
  let equal = 0;
  for (let n = 0; n < outputs; n++) {
    const found = detector.push(values.subarray(3 * n, 3 * n + 3), 20 * (n + 1));
    if (found) heard.push(`${n} ${found.label} ${found.probability}`);
    for (const { detector: one } of detector.parts) if (one.mean === one.cutoff) equal++;
  }
  assert.ok(heard.length > 30 && equal > 10, `${heard.length} words, ${equal} means at their cutoff`);
  const inC = program('detect', write('image', image), write('values', new Uint8Array(values.buffer)));
  assert.equal(
    inC.map((line) => line.split(' ')).map(([n, label, mean]) => `${n} ${label} ${Number(mean)}`),
    heard,
  );
});

only('an image whose parts end one byte beyond it is refused, even with a right checksum', () => {
  const { image } = spoken();
  assert.equal(program('read', write('good', image)), ['0']);
  const view = new DataView(image.buffer);
  for (const [field, at] of [
    [20, view.getUint32(16, true)],
    [72, view.getUint32(68, true)],
  ] as const) {
    const wrong = image.slice();
    const edit = new DataView(wrong.buffer);
    edit.setUint32(field, image.length - at + 1, true);
    edit.setUint32(12, crc32(wrong.subarray(16)), true);
    assert.match(program('read', write('wrong', wrong))[0] as string, /^-[67]$/, `field ${field}`);
  }
  const longer = image.slice();
  new DataView(longer.buffer).setUint32(20, image.length - view.getUint32(16, true), true);
  new DataView(longer.buffer).setUint32(12, crc32(longer.subarray(16)), true);
  assert.equal(program('read', write('whole', longer)), ['0'], 'a module to the last byte');
});

test.run();
