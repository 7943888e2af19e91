"""What the Python peers share: the arguments, the inputs, the clock, the one line of JSON."""

import argparse
import ctypes
import json
import os
import time
from pathlib import Path

TYPES = {"float32": "<f4", "int32": "<i4"}


def parser(description, inputs=True):
    """The command line that all have, for those that add something of their own."""
    made = argparse.ArgumentParser(description=description)
    if inputs:
        made.add_argument("manifest", type=Path, help="manifest.json, or the folder it is in")
    else:
        made.add_argument("--size", type=int, default=1024)
    made.add_argument("--warmup", type=int, default=3)
    made.add_argument("--repeats", type=int, default=10)
    made.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    return made


def arguments(description, inputs=True):
    """Parses the command line, of a parser if one is given instead of a description. Comes before importing
    numpy or torch: they read the variables then."""
    if not isinstance(description, argparse.ArgumentParser):
        description = parser(description, inputs)
    options = description.parse_args()
    os.environ["OPENBLAS_NUM_THREADS"] = str(options.threads)
    os.environ["OMP_NUM_THREADS"] = str(options.threads)
    # PyTorch's OpenMP threads otherwise spin while OpenBLAS's own threads want the same cores,
    # which makes PyTorch up to ten times slower: the peer shall be as fast as it can be.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    return options


def read_inputs(manifest):
    """{ name: { dtype, shape, file } } beside raw little-endian files -> { name: array }."""
    import numpy as np

    if manifest.is_dir():
        manifest = manifest / "manifest.json"
    values = {}
    for name, entry in json.loads(manifest.read_text()).items():
        flat = np.fromfile(manifest.parent / entry["file"], dtype=TYPES[entry["dtype"]])
        values[name] = flat.reshape(entry["shape"])
    return values


def measure(step, options):
    """Milliseconds of every timed call, and what the last call returned."""
    for _ in range(options.warmup):
        step()
    milliseconds = []
    for _ in range(options.repeats):
        begin = time.perf_counter()
        result = step()
        milliseconds.append((time.perf_counter() - begin) * 1000)
    return milliseconds, result


def blas():
    """The OpenBLAS behind numpy and torch, e.g. "OpenBLAS 0.3.21 ... SkylakeX", or None."""
    try:
        library = ctypes.CDLL("libopenblas.so.0")
        library.openblas_get_config.restype = ctypes.c_char_p
        return library.openblas_get_config().decode()
    except OSError:
        return None


def summary(gradients):
    """Enough of every gradient to see whether two peers agree."""
    import numpy as np

    return {
        name: {
            "sum_of_squares": float(np.sum(np.square(gradient, dtype=np.float64))),
            "first": [float(value) for value in gradient.reshape(-1)[:8]],
        }
        for name, gradient in gradients.items()
    }


def report(**fields):
    print(json.dumps(fields, allow_nan=False))
