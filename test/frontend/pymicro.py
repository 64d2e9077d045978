#!/usr/bin/env python3
"""Makes pymicro.json: digests of the features that the package pymicro-features (Apache-2.0) computes for generated
signals.

    pip install numpy pymicro-features && python3 pymicro.py > pymicro.json

The package has the settings of the preset microwakeword, step 10 ms. It is TensorFlow's C code and uses the C
library of the machine (log1pf of glibc before 2.41 is `tables: newlib`). A digest is SHA-256 over the features
(0 to 65535) as little-endian uint16, row by row.
"""
import hashlib
import json

import numpy as np
from pymicro_features import MicroFrontend

SAMPLES = 16000


def noise(seed):
    """Returns the low 16 bits of xorshift32 as int16."""
    x, out = seed, []
    for _ in range(SAMPLES):
        x ^= (x << 13) & 0xFFFFFFFF
        x ^= x >> 17
        x ^= (x << 5) & 0xFFFFFFFF
        out.append(((x & 0xFFFF) ^ 0x8000) - 0x8000)
    return out


def signals():
    n = range(SAMPLES)
    r = noise(20261124)
    yield "silence", [0] * SAMPLES
    yield "noise", r
    yield "quiet noise", [v >> 9 for v in r]
    yield "one bit noise", [32767 if v & 64 else -32768 for v in r]
    yield "lowest", [-32768] * SAMPLES
    yield "highest", [32767] * SAMPLES
    yield "impulses", [(32767 if r[i] & 1 else -32768) if i % 997 == 5 else 0 for i in n]
    yield "impulses down", [-32768 if i % 480 == 239 else 0 for i in n]
    yield "square", [20000 if (i // 37) % 2 else -20000 for i in n]
    yield "bursts", [r[i] >> 2 if (i // 2000) % 2 else r[i] >> 13 for i in n]
    yield "ramp", [(i * 3 % 65536) - 32768 for i in n]
    yield "step", [0 if i < 8000 else 12345 for i in n]


def features(samples):
    frontend = MicroFrontend()
    data = np.array(samples, np.int16).tobytes()
    rows, at = [], 0
    while at < len(data):
        out = frontend.process_samples(data[at : at + 320])
        at += 2 * out.samples_read
        if out.features:
            rows.append(np.rint(np.array(out.features) * 25.6).astype("<u2"))
    return rows


digests = {}
for name, samples in signals():
    rows = features(samples)
    digests[name] = {"rows": len(rows), "sha256": hashlib.sha256(b"".join(r.tobytes() for r in rows)).hexdigest()}
print(json.dumps(digests, indent=2))
