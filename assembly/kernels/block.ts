/**
 * Parameter blocks: what a kernel finds in memory at its pointer `p`. Plain constants, read by AssemblyScript and by the emitter alike.
 *
 * Kernels that slide or work element by element take (p, first, rows): they write rows first to first + rows - 1 of the output; X and Y are
 * the addresses of row 0.
 *
 * Every field is an i32 (addresses included). A block is COMMON, then the fields of its kind; unused fields are not stored.
 *
 *   p + 0   X        address of the first input row
 *   p + 4   Y        address of the first output row
 *   p + 8   ROWS     input rows (globalavg and globalmax)
 *   p + 12  ...      the fields below
 */

// COMMON
export const X = 0;
export const Y = 4;
export const ROWS = 8;

// SLIDING: conv, depthwise, maxpool, avgpool
export const X_ROWS = 12; // input rows present; taps outside 0..X_ROWS-1 are padding
export const PAD_T = 16;
export const KERNEL_T = 20;
export const STRIDE_T = 24;
export const DILATION_T = 28;
export const X_F = 32; // feature rows of the input
export const X_C = 36; // channels of the input
export const Y_F = 40;
export const Y_C = 44;
export const PAD_F = 48;
export const KERNEL_F = 52;
export const STRIDE_F = 56;
export const DILATION_F = 60;
export const X_ZERO = 64;
export const MIN = 68;
export const MAX = 72;
/** avgpool: 1 = padded places count in the divisor. */
export const INCLUDE_PAD = 76;
export const POOL_BYTES = 80;

// MAC: conv, depthwise, dense after SLIDING
export const Y_ZERO = 76;
export const PER = 80; // conv: input channels of a group; depthwise: outputs per input channel; dense: inputs
export const WEIGHTS = 84; // address, s8
export const BIAS = 88; // address, i32 [o]; native: before each tile's weights instead; interp: what outputs are requantised by (finish-interp.ts)
export const MULTIPLIER = 92; // address, i32 [o], Q31; native: doubled, u32; int16: 16 bits (int16.ts)
export const SHIFT = 96; // address, s8 [o]; left where positive. Targets have tables of their own: finish.ts, mac-simd.ts
export const LANES = 92; // interp, conv and dense: i64, the bits of one weight in each of three lanes (conv-interp.ts)
export const RUNS = 100; // interp, native: 1 where the taps of every place inside the input lie side by side in it
export const PATCH = 104; // address, s8 [KERNEL_T][KERNEL_F][PER], where they do not (patch.ts); simd: s16, of four places
export const SUMS = 108; // address, i32 [Y_C]: the sums of a place; simd: of four places, each filled up to sixteen
export const LOW = 108; // int16, rounded once: address, i32 [o], lower bits of the multipliers
export const MAC_BYTES = 112;
// Weights apart from memory (fetch.ts), interp and native: BIAS is where a tile goes, the other addresses lie inside it
export const SOURCE = 112; // where the layer's first tile stands among all weights
export const TILE_OUTPUTS = 116; // outputs of a tile; the last one of a group has those that are left
export const TILE_BYTES = 120;
export const LAST_BYTES = 124; // of a group's last tile
export const MAC_FETCHED_BYTES = 128;
export const ALL_SOURCE = 100; // plain kernels: where all weights of the layer stand
export const ALL_BYTES = 104;
export const CHUNK = 100; // simd: output rows whose input is widened together
export const PLACE = 112; // simd, conv: values of the widened input between two places
export const POOL = 116; // simd, conv: places of which the largest output is taken, 1, 2 or 4
export const TAPS = 112; // simd, one place at a time: taps, filled up to eights
export const PLACE_PITCH = 116; // simd, one place at a time: bytes of the input between two places
export const INTEGERS = 120; // simd: 1 where outputs are requantised in integers (mac-simd.ts)
export const F_AFTER = 124; // simd, depthwise: feature padding after the last row
export const MAGIC = 128; // simd: f32 (mac-simd.ts)
export const BELOW = 132; // simd: address, f32 [o], where outputs lie on both sides of the zero point, else 0 (mac-simd.ts)
export const MAC_SIMD_BYTES = 136;

/** MAC: shifts from here on mean one rounding, and a right shift by SHIFT - ONCE_FROM (quant/fixed-point.ts has the same). */
export const ONCE_FROM = 64;
/** Bits of the lower words at LOW. */
export const LOW_BITS = 26;

/** One or two outputs beside whole tiles are multiplied by a tile's zeros where they have so few taps, else by last_rows (last-rows.ts). */
export const FEW_TAPS = 32;

// TAPS: conv and depthwise as partial tap sums, after MAC. Rows of the stream count from the start of window n (models/stream/taps.ts).
export const T_ACC = 112; // address, i32 [T_ROWS][Y_F][Y_C]
export const T_ROWS = 116; // open rows
export const T_FIRST = 120; // first open row
export const T_NEW_ROWS = 124; // rows of the stream that a hop brings
export const T_STEP = 128; // rows of the stream between two rows of a window
export const T_GRID = 132; // input frames between two rows of the stream
export const T_RIGHT = 136; // address of the right edge's rows
export const T_RIGHT_ROWS = 140;
export const T_RIGHT_FIRST = 144; // row of the stream of the first of them
export const T_LEFT = 148; // address of the left edge's rows
export const T_LEFT_ROWS = 152;
export const T_RECORDS = 156; // address, i32 [T_RECORD_SLOTS][T_LEFT_ROWS][Y_F][Y_C]
export const T_RECORD_SLOTS = 160;
export const T_CUT_AHEAD = 164;
export const T_COMPLETE_AHEAD = 168;
export const T_AHEAD = 172;
export const T_WAITING = 176; // address, s8 [T_WAITING_SLOTS][T_LEFT_ROWS][Y_F][Y_C]
export const T_WAITING_SLOTS = 180;
export const TAPS_BYTES = 184;

// ELEMENTWISE: activation, add, mul, softmax, concat, globalavg, globalmax: fields after COMMON
export const COUNT = 12; // elements of a frame (activation, add, mul), bytes of a row's part (concat), elements of a row (softmax, global*)
export const TABLE = 16; // activation: address of 256 s8; softmax: address of 256 i32
export const S_ROWS = 20; // rows of COUNT elements in a frame (softmax, concat)
export const TABLE_BYTES = 24;

// history: after X_ROWS and PAD_T
export const H_ROW = 20; // bytes of a row
export const H_ZERO = 24;
export const HISTORY_BYTES = 28;

// concat, slice
export const Y_PITCH = 16; // bytes from one row of the wider side to the next
export const CONCAT_BYTES = 24;

// add, mul
export const X2 = 16; // address of the second input
export const ZERO1 = 20;
export const ZERO2 = 24;
export const B_Y_ZERO = 28;
export const B_MIN = 32;
export const B_MAX = 36;
export const MULT_Y = 40;
export const SHIFT_Y = 44;
export const PERIOD = 48; // elements of the second input; it repeats along the first
export const MUL_BYTES = 52;
export const MULT1 = 52;
export const SHIFT1 = 56;
export const MULT2 = 60;
export const SHIFT2 = 64;
export const ADD_BYTES = 68;
export const NEGATE = 40; // activation of int16, which has the fields of add: 1 where what MULT2 gives below the zero point is negated

// globalavg, globalmax: ROWS are input rows here
export const X_ELEMENTS = 16; // elements of one input row
export const PARTIALS = 20; // address of the first slot: i32 [slots][elements] or s8 [slots][elements]
export const SLOT = 24; // address of the i32 that holds the current slot
export const SLOTS = 28;
export const G_MIN = 32;
export const G_MAX = 36;
export const G_Y_ZERO = 40;
export const G_RULE = 44; // 0 = divide by G_COUNT and round, 1 = requantise
export const G_COUNT = 48;
export const G_OFFSET = 52; // count * x_zero, subtracted by rule 1
export const G_MULT = 56;
export const G_SHIFT = 60;
export const GLOBAL_BYTES = 64;
export const G_MAC = 64; // globalavg, simd: address of the MAC block that finishes the sums (globalavg-simd.ts)
export const GLOBAL_SIMD_BYTES = 68;

// FOLD: globalavg, globalmax and dense as accumulators of waiting windows, after the fields of their kind. Rows of the stream count from the
// start of window n; row f of a window lies F_STEP rows after row f - 1.
export const F_NEW = 112; // address of the first new row
export const F_NEW_ROWS = 116; // rows of the stream that a hop brings
export const F_NEWEST = 120; // row of the newest
export const F_STEP = 124;
export const F_OPEN = 128; // address of the first interior row of the window that opens
export const F_OPEN_ROWS = 132; // its rows, F_STEP apart
export const F_RIGHT = 136; // address of the right edge's rows
export const F_RIGHT_ROWS = 140;
export const F_LEFT = 144; // address of the left edge's rows, of the window that opens
export const F_LEFT_ROWS = 148;
export const F_QUEUE = 152; // address of the accumulators, one a waiting window
export const F_SLOTS = 156; // waiting windows
export const F_TOTALS = 160; // address of the running totals, i32 [F_STEP][COUNT] (globalavg)
export const F_ROW = 164; // elements of a row
export const FOLD_BYTES = 168;

// FRONT END: audio samples to rows of features (frontend.ts); a block of its own
export const FE_ROW = 0; // address of the row, s8 [channels]
export const FE_STATE = 4; // address: i32 samples in the window, u32 [channels] noise estimates, s16 [window]
export const FE_BUFFER = 8; // address, s16 [points + 1][2]
export const FE_CHANNELS = 12;
export const FE_WINDOW = 16; // samples of a window
export const FE_STEP = 20;
export const FE_POINTS = 24; // of the complex FFT, a power of 2
export const FE_PEAK = 28; // 1: a windowed -32768 counts as it is (signal operators)
export const FE_WINDOW_TABLE = 32; // address, s16 [window]
export const FE_WINDOW_SHIFT = 36;
export const FE_TWIDDLES = 40; // address, s16 [points][2]
export const FE_LAST = 44; // address, s16 [points / 2][2]
export const FE_BANDS = 48; // address, u16 [channels + 1][2]: first bin, bins
export const FE_WEIGHTS = 52; // address, s16 [bins][2]: weight, unweight
export const FE_NOISE = 56; // 1: noise reduction
export const FE_SMOOTHING = 60; // even and odd channels
export const FE_ONE_MINUS = 68; // even and odd channels
export const FE_MIN_SIGNAL = 76;
export const FE_NOISE_BITS = 80;
export const FE_SMOOTHING_BITS = 84;
export const FE_CLAMPING = 88;
export const FE_PCAN = 92; // address, s16 [125]; 0: no gain control
export const FE_SNR_SHIFT = 96;
export const FE_LOG = 100; // address, s16 [129]; 0: no logarithm
export const FE_CORRECTION = 104; // left shift, right where negative
export const FE_LOG_SCALE = 108;
export const FE_MOST = 112;
export const FE_MULTIPLY = 116;
export const FE_ADD = 120;
export const FE_DIVIDE = 124;
export const FE_OFFSET = 128;
export const FE_LOW = 132;
export const FE_HIGH = 136;
export const FE_REMAP = 140; // address, s8 [256] from -128 on; 0: the value as it is
export const FE_BYTES = 144;
