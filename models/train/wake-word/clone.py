"""The clone that this folder is part of. The import puts the recipes of its zoo on Python's path.

Their front end, speech, rooms, noises, layers and ONNX writer are used as they are.
"""

import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
ZOO = ROOT / "models" / "zoo"

# kws before vad: both have modules `model` and `export`
sys.path += [str(ZOO), str(ZOO / "kws"), str(ZOO / "vad")]
