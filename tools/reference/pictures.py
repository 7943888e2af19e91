"""Writes test/fixtures/pictures/: small sets of labelled pictures as other programs store them.

    python3 tools/reference/pictures.py

By numpy (Debian: python3-numpy). Pixel i of a set, counted through all its pictures in the order N, C, H,
W, is the byte i % 251 (or that over 255); label n is n % 3.
"""

import gzip
import struct
from pathlib import Path

import numpy as np

OUT = Path(__file__).resolve().parents[2] / "test" / "fixtures" / "pictures"
OUT.mkdir(parents=True, exist_ok=True)


def pixels(*shape):
    return (np.arange(np.prod(shape)) % 251).reshape(shape).astype(np.uint8)


def labels(count):
    return (np.arange(count) % 3).astype(np.int64)


np.savez_compressed(
    OUT / "rows.npz",
    X_train=(pixels(6, 16) / 255).astype(np.float32),
    y_train=labels(6).astype(np.int32).reshape(-1, 1),
    X_valid=(pixels(2, 16) / 255).astype(np.float32),
    y_valid=labels(2).astype(np.int32).reshape(-1, 1),
    X_test=(pixels(3, 16) / 255).astype(np.float32),
    y_test=labels(3).astype(np.int32).reshape(-1, 1),
)
np.savez(OUT / "colours.npz", images=np.moveaxis(pixels(10, 3, 4, 5), 1, 3).copy(), labels=labels(10))

IDX = OUT / "idx"
IDX.mkdir(exist_ok=True)
for part, count in {"train": 10, "t10k": 4}.items():
    pictures = struct.pack(">4B3I", 0, 0, 8, 3, count, 3, 4) + pixels(count, 3, 4).tobytes()
    numbers = struct.pack(">4BI", 0, 0, 8, 1, count) + labels(count).astype(np.uint8).tobytes()
    (IDX / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(pictures, mtime=0))
    (IDX / f"{part}-labels-idx1-ubyte").write_bytes(numbers)
