"""The log-mel front end in NumPy, bit for bit: 16 kHz sound -> int8 rows of 40 features.

    rows = features(pcm)              # int16 [clips, samples] -> int8 [clips, rows, 40]

Settings of the preset `log-mel`: window 25 ms, step 20 ms, 40 channels from 125 to 7,500 Hz,
logarithm.  A row depends only on its own window of sound.

    python front_end.py x.wav x.npy   # one recording, the same rows as `runlet features
                                      # x.wav --preset log-mel --step-ms 20`

TensorFlow's microfrontend (Apache-2.0) and kissfft (BSD-3) are the specification.  It processes
many clips at once, in about 2 ms per second of sound on one core.
"""

import sys

import numpy as np

RATE_HZ = 16000
WINDOW, STEP, CHANNELS = 400, 320, 40
FFT = 512
LOW_HZ, HIGH_HZ = 125.0, 7500.0
CORRECTION_BITS = 3  # bits of the FFT's length less half the filter bank's 12
F32 = np.float32

# real value of a stored byte: SCALE * (byte - ZERO_POINT)
SCALE, ZERO_POINT = 1 / 16, -128


def window_coefficients():
    """Hann window in Q12, int32 [400]."""
    arg = F32(np.pi) * F32(2) / F32(WINDOW)
    phase = (arg * (np.arange(WINDOW, dtype=F32) + F32(0.5))).astype(np.float64)
    value = F32(0.5) - F32(0.5) * np.cos(phase).astype(F32)
    return np.floor(value * F32(4096) + F32(0.5)).astype(np.int32)


def mel(hz):
    """Mel scale in float32; the logarithm is rounded once, as C libraries do since glibc 2.41."""
    return F32(1127.0) * np.log1p((np.asarray(hz, F32) / F32(700.0)).astype(np.float64)).astype(F32)


def filter_bank():
    """Triangular weights in Q12 as float64 [257, 40]; sums of products stay below 2^53."""
    low, high = mel(LOW_HZ), mel(HIGH_HZ)
    spacing = F32(high - low) / F32(CHANNELS + 1)
    centres = low + spacing * np.arange(1, CHANNELS + 2, dtype=F32)
    hz_per_bin = F32(0.5 * RATE_HZ) / F32(FFT // 2)
    bins = mel(np.arange(FFT // 2 + 1, dtype=F32) * hz_per_bin)
    bank = np.zeros((FFT // 2 + 1, CHANNELS + 2))
    at = int(1.5 + LOW_HZ / hz_per_bin)
    for band in range(CHANNELS + 1):
        below = low if band == 0 else centres[band - 1]
        while bins[at] <= centres[band]:
            weight = F32(centres[band] - bins[at]) / F32(centres[band] - below)
            bank[at, band] = np.floor(weight * F32(4096) + F32(0.5))
            bank[at, band + 1] = np.floor((F32(1) - weight) * F32(4096) + F32(0.5))
            at += 1
    return bank[:, 1 : CHANNELS + 1].copy()


def log_table():
    """log2(1 + i / 128) - i / 128 in Q16, int64 [129]."""
    i = np.arange(129) / 128
    return np.floor(65536 * (np.log2(1 + i) - i) + 0.5).astype(np.int64)


def bit_length(x):
    """Number of bits of non-negative integers below 2^53."""
    return np.frexp(x.astype(np.float64))[1].astype(np.int64)


def twiddle(phase):
    """(cos, sin) in Q15 as kissfft rounds them."""
    return (
        np.floor(0.5 + 32767 * np.cos(phase)).astype(np.int32),
        np.floor(0.5 + 32767 * np.sin(phase)).astype(np.int32),
    )


HANN = window_coefficients()
BANK = filter_bank()
LOG = log_table()
HALF = FFT // 2
TWIDDLE = twiddle(-2 * np.pi * np.arange(HALF) / HALF)
SUPER = twiddle(-np.pi * (np.arange(1, HALF // 2 + 1) / HALF + 0.5))
DIGITS = np.arange(HALF).reshape(4, 4, 4, 4).transpose(3, 2, 1, 0).ravel()


def rounded(x):
    """Q30 -> Q15, rounded, and wrapped to int16 like an assignment in C."""
    return ((x + 16384) >> 15).astype(np.int16).astype(np.int32)


def wrap(x):
    return x.astype(np.int16).astype(np.int32)


def fft(signal):
    """Real FFT of int32 [n, 512], every stage scaled down: (re, im) int32 [n, 257]."""
    re = signal[:, 0::2][:, DIGITS]
    im = signal[:, 1::2][:, DIGITS]
    m = 1
    while m < HALF:
        stride = HALF // (4 * m)
        shape = (len(signal), stride, 4, m)
        re, im = rounded(re * 8191).reshape(shape), rounded(im * 8191).reshape(shape)
        k = np.arange(1, 4)[:, None] * np.arange(m) * stride
        c, s = TWIDDLE[0][k], TWIDDLE[1][k]
        r, i = re[:, :, 1:], im[:, :, 1:]
        tr, ti = rounded(r * c - i * s), rounded(r * s + i * c)
        r0, i0 = re[:, :, 0], im[:, :, 0]
        sum_r, sum_i = wrap(tr[:, :, 0] + tr[:, :, 2]), wrap(ti[:, :, 0] + ti[:, :, 2])
        dif_r, dif_i = wrap(tr[:, :, 0] - tr[:, :, 2]), wrap(ti[:, :, 0] - ti[:, :, 2])
        low_r, low_i = wrap(r0 - tr[:, :, 1]), wrap(i0 - ti[:, :, 1])
        r0, i0 = wrap(r0 + tr[:, :, 1]), wrap(i0 + ti[:, :, 1])
        re = wrap(np.stack([r0 + sum_r, low_r + dif_i, r0 - sum_r, low_r - dif_i], 2))
        im = wrap(np.stack([i0 + sum_i, low_i - dif_r, i0 - sum_i, low_i + dif_r], 2))
        re, im = re.reshape(-1, HALF), im.reshape(-1, HALF)
        m *= 4
    re, im = rounded(re * 16383), rounded(im * 16383)
    k = np.arange(1, HALF // 2 + 1)
    f1r, f1i = wrap(re[:, k] + re[:, HALF - k]), wrap(im[:, k] - im[:, HALF - k])
    f2r, f2i = wrap(re[:, k] - re[:, HALF - k]), wrap(im[:, k] + im[:, HALF - k])
    wr = rounded(f2r * SUPER[0] - f2i * SUPER[1])
    wi = rounded(f2r * SUPER[1] + f2i * SUPER[0])
    out_r = np.zeros((len(signal), HALF + 1), np.int32)
    out_i = np.zeros_like(out_r)
    out_r[:, 0], out_r[:, HALF] = wrap(re[:, 0] + im[:, 0]), wrap(re[:, 0] - im[:, 0])
    out_r[:, k], out_i[:, k] = (f1r + wr) >> 1, (f1i + wi) >> 1
    out_r[:, HALF - k], out_i[:, HALF - k] = (f1r - wr) >> 1, (wi - f1i) >> 1
    return out_r, out_i


def square_root(x):
    """Rounded square root of int64; below 2^32 the result stops at 65535."""
    root = np.sqrt(x.astype(np.float64)).astype(np.int64)
    root -= root * root > x
    root += (root + 1) * (root + 1) <= x
    up = x - root * root > root
    return root + (up & ~((x < 1 << 32) & (root == 65535)))


def spectrum(frames):
    """Windowed frames int16 [n, 400] -> filter bank magnitudes int64 [n, 40]."""
    x = wrap((frames.astype(np.int32) * HANN) >> 12)
    loudest = wrap(np.abs(x)).max(1)  # -32768 has no 16-bit absolute value and does not count
    shift = 15 - bit_length(loudest)
    padded = np.zeros((len(x), FFT), np.int32)
    padded[:, :WINDOW] = wrap(x << shift[:, None])
    re, im = fft(padded)
    energy = re.astype(np.float64) ** 2 + im.astype(np.float64) ** 2
    return square_root((energy @ BANK).astype(np.int64)) >> shift[:, None]


def logarithm(x):
    """64 * ln(x) for int64 x, 0 for x <= 1."""
    safe = np.maximum(x, 2)
    whole = bit_length(safe) - 1
    frac = safe - (1 << whole)
    frac = np.where(whole < 16, frac << np.maximum(16 - whole, 0), frac >> np.maximum(whole - 16, 0))
    segment = frac >> 9
    c0 = LOG[segment]
    fraction = frac + c0 + (((LOG[segment + 1] - c0) * (frac - 512 * segment)) >> 16)
    natural = (45426 * ((whole << 16) + fraction) + 32768) >> 16
    return np.where(x > 1, np.minimum(((natural << 6) + 32768) >> 16, 65535), 0)


def spectra(pcm, batch=1024):
    """int16 [clips, samples] -> magnitudes int64 [clips, rows, 40], rows = 1 + (samples - 400) // 320."""
    frames = np.lib.stride_tricks.sliding_window_view(np.ascontiguousarray(pcm, np.int16), WINDOW, axis=1)
    frames = frames[:, ::STEP]
    clips, rows = frames.shape[:2]
    out = np.empty((clips, rows, CHANNELS), np.int64)
    for clip in range(clips) if rows >= batch else []:
        for at in range(0, rows, batch):
            out[clip, at : at + batch] = spectrum(frames[clip, at : at + batch])
    per = max(1, batch // rows)
    for at in range(0, clips, per) if rows < batch else []:
        part = frames[at : at + per].reshape(-1, WINDOW)
        out[at : at + per] = spectrum(part).reshape(-1, rows, CHANNELS)
    return out


def rows_of(magnitudes):
    """Magnitudes int64 [clips, rows, 40] -> features int8: 16 times the natural logarithm."""
    logged = logarithm((magnitudes << CORRECTION_BITS) & 0xFFFFFFFF)
    return np.clip((logged + 2) // 4 - 128, -128, 127).astype(np.int8)


def features(pcm):
    """int16 [clips, samples] -> int8 [clips, rows, 40]."""
    return rows_of(spectra(pcm))


def main():
    from scipy.io import wavfile

    rate, pcm = wavfile.read(sys.argv[1])
    if rate != RATE_HZ or pcm.dtype != np.int16 or pcm.ndim != 1:
        raise SystemExit("16 kHz, 16 bit, mono, please")
    np.save(sys.argv[2], features(pcm[None])[0])


if __name__ == "__main__":
    main()
