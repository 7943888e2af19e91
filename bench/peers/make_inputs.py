"""Writes random inputs of one captioner step, to run a peer by hand.

    python3 bench/peers/make_inputs.py <folder> [N]

Captions have 17 words of which 0 (padding) fills a random end.
"""

import json
import sys
from pathlib import Path

import numpy as np

folder = Path(sys.argv[1])
N = int(sys.argv[2]) if len(sys.argv) > 2 else 128
D, W, H, V, T = 512, 256, 512, 1004, 16
rng = np.random.default_rng(0)


def normal(scale, *shape):
    return (rng.standard_normal(shape) * scale).astype("<f4")


lengths = rng.integers(5, T + 2, N)
captions = rng.integers(4, V, (N, T + 1))
captions[:, 0] = 1
captions[np.arange(T + 1) >= lengths[:, None]] = 0

values = {
    "features": normal(1.0, N, D),
    "captions": captions.astype("<i4"),
    "Wproj": normal(D**-0.5, D, H),
    "bproj": normal(0.1, H),
    "Wembed": normal(0.1, V, W),
    "Wx": normal(W**-0.5, W, 4 * H),
    "Wh": normal(H**-0.5, H, 4 * H),
    "b": normal(0.1, 4 * H),
    "Wvocab": normal(H**-0.5, H, V),
    "bvocab": normal(0.1, V),
}
folder.mkdir(parents=True, exist_ok=True)
manifest = {}
for name, value in values.items():
    value.tofile(folder / f"{name}.bin")
    dtype = "int32" if value.dtype.kind == "i" else "float32"
    manifest[name] = {"dtype": dtype, "shape": list(value.shape), "file": f"{name}.bin"}
(folder / "manifest.json").write_text(json.dumps(manifest))
