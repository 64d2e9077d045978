/**
 * Generated from assembly/kernels by scripts/generate.ts; do not edit. The kernels, and constants that the
 * emitter shares with them.
 */
import type { Kernel, Layout } from './block.ts';
import { ActivationBlock, AddBlock, ConcatBlock, DenseFoldBlock, GlobalBlock, GlobalFoldBlock, GlobalSimdBlock, HistoryBlock, LayerNormBlock, MulBlock, PlainBlock, PoolBlock, RescaleBlock, SimdBlock, SoftmaxBlock, TapsBlock, TileBlock } from './blocks.ts';

export const ONCE_FROM = 64;
export const FEW_TAPS = 32;

const kernel = <T>(file: string, block: Layout<T>, takes: Kernel<T>['takes']): Kernel<T> => ({ file, block, takes });

/** In the order of files, and of functions in them. */
export const kernels = {
  activation_s8: kernel('activation', ActivationBlock, 'rows'),
  add_s8: kernel('add', AddBlock, 'rows'),
  avgpool_s8: kernel('avgpool', PoolBlock, 'rows'),
  concat_s8: kernel('concat', ConcatBlock, 'rows'),
  conv_s8_interp: kernel('conv-interp', TileBlock, 'rows'),
  dense_s8_interp: kernel('conv-interp', TileBlock, 'block'),
  conv_s8_native: kernel('conv-native', TileBlock, 'rows'),
  dense_s8_native: kernel('conv-native', TileBlock, 'block'),
  conv_place_s8_simd: kernel('conv-place-simd', SimdBlock, 'rows'),
  conv_s16: kernel('conv-s16', PlainBlock, 'rows'),
  conv_s16_s8: kernel('conv-s16', PlainBlock, 'rows'),
  conv_s8_s16: kernel('conv-s16', PlainBlock, 'rows'),
  dense_s16: kernel('conv-s16', PlainBlock, 'block'),
  dense_s16_s8: kernel('conv-s16', PlainBlock, 'block'),
  dense_s8_s16: kernel('conv-s16', PlainBlock, 'block'),
  conv_rows_s8_simd: kernel('conv-simd', SimdBlock, 'rows'),
  conv_patch_s8_simd: kernel('conv-simd', SimdBlock, 'rows'),
  dense_s8_simd: kernel('conv-simd', SimdBlock, 'block'),
  conv_s8: kernel('conv', PlainBlock, 'rows'),
  conv_taps_s8: kernel('conv', TapsBlock, 'rows'),
  dense_s8: kernel('dense', PlainBlock, 'block'),
  dense_fold_s8: kernel('dense', DenseFoldBlock, 'phase'),
  depthwise_s8_blocks: kernel('depthwise-blocks', TileBlock, 'rows'),
  depthwise_s8_interp: kernel('depthwise-interp', TileBlock, 'rows'),
  depthwise_row_s8_simd: kernel('depthwise-row-simd', SimdBlock, 'rows'),
  depthwise_s16: kernel('depthwise-s16', PlainBlock, 'rows'),
  depthwise_s16_s8: kernel('depthwise-s16', PlainBlock, 'rows'),
  depthwise_s8_s16: kernel('depthwise-s16', PlainBlock, 'rows'),
  depthwise_s8_simd: kernel('depthwise-simd', SimdBlock, 'rows'),
  depthwise_s8: kernel('depthwise', PlainBlock, 'rows'),
  depthwise_taps_s8: kernel('depthwise', TapsBlock, 'rows'),
  add_s16: kernel('elements-s16', AddBlock, 'rows'),
  activation_s16: kernel('elements-s16', RescaleBlock, 'rows'),
  activation_s16_s8: kernel('elements-s16', RescaleBlock, 'rows'),
  activation_s8_s16: kernel('elements-s16', RescaleBlock, 'rows'),
  fetch_s8: kernel('fetch', PlainBlock, 'block'),
  globalavg_accumulate_s16: kernel('global-s16', GlobalBlock, 'block'),
  globalavg_finish_s16: kernel('global-s16', GlobalBlock, 'block'),
  globalavg_s16: kernel('global-s16', GlobalBlock, 'block'),
  globalavg_s16_s8: kernel('global-s16', GlobalBlock, 'block'),
  globalavg_s8_s16: kernel('global-s16', GlobalBlock, 'block'),
  globalavg_fold_s16: kernel('global-s16', GlobalFoldBlock, 'phase'),
  globalavg_fold_s16_s8: kernel('global-s16', GlobalFoldBlock, 'phase'),
  globalavg_fold_s8_s16: kernel('global-s16', GlobalFoldBlock, 'phase'),
  globalavg_ring_s16: kernel('global-s16', GlobalFoldBlock, 'phase'),
  globalavg_ring_s16_s8: kernel('global-s16', GlobalFoldBlock, 'phase'),
  globalavg_ring_s8_s16: kernel('global-s16', GlobalFoldBlock, 'phase'),
  globalmax_s16: kernel('global-s16', GlobalBlock, 'block'),
  globalavg_s8_simd: kernel('globalavg-simd', GlobalSimdBlock, 'block'),
  globalavg_finish_s8_simd: kernel('globalavg-simd', GlobalSimdBlock, 'block'),
  globalavg_fold_s8_simd: kernel('globalavg-simd', GlobalFoldBlock, 'phase'),
  globalavg_ring_s8_simd: kernel('globalavg-simd', GlobalFoldBlock, 'phase'),
  globalavg_s8: kernel('globalavg', GlobalBlock, 'block'),
  globalavg_accumulate_s8: kernel('globalavg', GlobalBlock, 'block'),
  globalavg_finish_s8: kernel('globalavg', GlobalBlock, 'block'),
  globalavg_rotate_s8: kernel('globalavg', GlobalBlock, 'block'),
  globalavg_fold_s8: kernel('globalavg', GlobalFoldBlock, 'phase'),
  globalavg_ring_s8: kernel('globalavg', GlobalFoldBlock, 'phase'),
  globalmax_s8: kernel('globalmax', GlobalBlock, 'block'),
  globalmax_accumulate_s8: kernel('globalmax', GlobalBlock, 'block'),
  globalmax_finish_s8: kernel('globalmax', GlobalBlock, 'block'),
  globalmax_rotate_s8: kernel('globalmax', GlobalBlock, 'block'),
  globalmax_fold_s8: kernel('globalmax', GlobalFoldBlock, 'phase'),
  globalmax_slide_s8: kernel('globalmax', GlobalFoldBlock, 'phase'),
  history_s8: kernel('history', HistoryBlock, 'rows'),
  layernorm_s8: kernel('layernorm', LayerNormBlock, 'rows'),
  maxpool_s8_simd: kernel('maxpool-simd', PoolBlock, 'rows'),
  maxpool_s8: kernel('maxpool', PoolBlock, 'rows'),
  mul_s8: kernel('mul', MulBlock, 'rows'),
  maxpool_s16: kernel('pool-s16', PoolBlock, 'rows'),
  avgpool_s16: kernel('pool-s16', PoolBlock, 'rows'),
  slice_s8: kernel('slice', ConcatBlock, 'rows'),
  softmax_s8: kernel('softmax', SoftmaxBlock, 'rows'),
  taps_open_s8: kernel('taps', TapsBlock, 'block'),
  taps_cut_s8: kernel('taps', TapsBlock, 'phase'),
  taps_close_s8: kernel('taps', TapsBlock, 'phase'),
};
export type KernelName = keyof typeof kernels;
export const kernelNames = Object.keys(kernels) as KernelName[];
/** The block that a kernel takes. */
export type BlockOf<K extends KernelName> = (typeof kernels)[K] extends Kernel<infer T> ? T : never;
