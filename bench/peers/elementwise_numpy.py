"""The same elementwise functions and indexing by numpy as bench/elementwise.mjs has, in float32.

    python3 bench/peers/elementwise_numpy.py [--warmup 3] [--repeats 20]
"""

from peer import arguments, measure, report

options = arguments(__doc__, inputs=False)

import numpy as np  # noqa: E402


def filled(*shape):
    return ((np.arange(np.prod(shape)) % 17 - 8) / 8).astype(np.float32).reshape(shape)


def every(count):
    return np.arange(count) * 7 % count


a, b = filled(2048, 1024), filled(2048, 1024)
row, column, three = filled(1024), filled(2048, 1), filled(700000, 3)
maps, channel, few = filled(32, 512, 13, 13), filled(512, 1, 1), filled(3)
WORK = {
    "add, one shape": lambda: [a + b],
    "add, a number": lambda: [a + np.float32(1)],
    "add, a row": lambda: [a + row],
    "add, a column": lambda: [a + column],
    "add, a row of 3": lambda: [three + few],
    "multiply, channels": lambda: [maps * channel],
    "multiply, a row, backward": lambda: [b * row, (b * a).sum(axis=0)],
    "exp": lambda: [np.exp(a)],
    "sum of all": lambda: [a.sum()],
    "sum over axis 0": lambda: [a.sum(axis=0)],
    "mean over axis 1": lambda: [a.mean(axis=1)],
    "transpose": lambda: [np.ascontiguousarray(a.T)],
    "channels last": lambda: [np.ascontiguousarray(maps.transpose(0, 2, 3, 1))],
    "gather, axis 0": lambda: [np.take(a, every(2048), axis=0)],
    "gather, axis 1": lambda: [np.take(a, every(1024), axis=1)],
}
results = []
for name, work in WORK.items():
    milliseconds, outputs = measure(work, options)
    squares = sum(float(np.sum(np.square(output, dtype=np.float64))) for output in outputs)
    results.append({"name": name, "milliseconds": milliseconds, "squares": squares})
report(version=np.__version__, results=results)
