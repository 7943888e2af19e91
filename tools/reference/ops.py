"""Broadcasting, elementwise functions and indexing as numpy has them, in float64: ops.json.

    python3 tools/reference/ops.py
"""

import numpy as np
from fixture import arrays, generator, write_fixture

cases = {}


def case(name, op, f, options=None, **inputs):
    """What `f` makes of the inputs; `op` is what the library calls it, `options` what it takes besides."""
    given = {key: value if value.dtype == np.int32 else np.round(value, 4) for key, value in inputs.items()}
    outputs = f(*given.values())
    if not isinstance(outputs, dict):
        outputs = {"out": outputs}
    cases[name] = {"op": op, "inputs": arrays(given), "options": options or {}, "outputs": arrays(outputs)}


def normal(name, *shape):
    return generator(name).standard_normal(shape)


def positive(name, *shape):
    return np.abs(normal(name, *shape)) + 0.1


# Every way in which two shapes meet: alike, a scalar, rows, columns, channels, both sides, many axes.
SHAPES = {
    "alike": ((2, 3), (2, 3)),
    "scalar": ((2, 3), ()),
    "scalar_first": ((), (5,)),
    "two_scalars": ((), ()),
    "row": ((3, 5), (5,)),
    "column": ((3, 5), (3, 1)),
    "channel": ((2, 3, 2, 2), (3, 1, 1)),
    "batch": ((2, 3, 2), (2, 1, 1)),
    "both": ((3, 1), (1, 5)),
    "zigzag": ((2, 1, 3, 1, 2), (1, 3, 1, 2, 1)),
    "ones": ((1, 1), (1,)),
    "none": ((0, 3), (3,)),
}
BINARY = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "maximum": np.maximum,
}
for way, (x, y) in SHAPES.items():
    for op, f in BINARY.items():
        name = f"{op}_{way}"
        case(name, op, f, x=normal(name + "/x", *x), y=normal(name + "/y", *y))

case("exp", "exp", np.exp, x=normal("exp", 3, 5))
case("log", "log", np.log, x=positive("log", 3, 5))
case("sqrt", "sqrt", np.sqrt, x=positive("sqrt", 3, 5))
case("square", "square", np.square, x=normal("square", 3, 5))
case("abs", "abs", np.abs, x=normal("abs", 3, 5))
case("scale", "scale", lambda x: -1.7 * x, {"factor": -1.7}, x=normal("scale", 3, 5))
case("clamp", "clamp", lambda x: np.clip(x, -0.5, 0.8), {"low": -0.5, "high": 0.8}, x=normal("clamp", 3, 5))
case("clamp_below", "clamp", lambda x: np.clip(x, 0.1, None), {"low": 0.1}, x=normal("clamp_below", 7))

for axes in (None, [], [0], [1], [-1], [0, 2], [1, 2], [0, 1, 2, 3], [1, 3]):
    for keep in (False, True):
        named = "all" if axes is None else "_".join(str(axis) for axis in axes) or "none"
        options = {"keepDims": keep, **({} if axes is None else {"axes": axes})}
        over = None if axes is None else tuple(axes)
        for op, f in (("sum", np.sum), ("mean", np.mean)):
            name = f"{op}_{named}{'_kept' if keep else ''}"
            case(name, op, lambda x: f(x, axis=over, keepdims=keep), options, x=normal(name, 2, 3, 1, 5))
for axes in ([2], [2, 3, 4], [0, 2, 3, 4], [1, 3]):
    for op, f in (("sum", np.sum), ("mean", np.mean)):
        name = f"{op}_clips_" + "_".join(str(axis) for axis in axes)
        case(name, op, lambda x: f(x, axis=tuple(axes)), {"axes": axes}, x=normal(name, 2, 3, 4, 2, 3))
case("sum_empty", "sum", lambda x: np.sum(x, axis=0), {"axes": [0]}, x=np.zeros((0, 3)))

for axes in ([1, 0], None):
    name = f"transpose_matrix_{'default' if axes is None else 'axes'}"
    case(name, "transpose", lambda x: np.transpose(x, axes), {"axes": axes} if axes else {}, x=normal(name, 3, 5))
for axes in ([0, 2, 1], [1, 0, 2], [2, 1, 0], [0, 1, 2], [-1, 0, 1]):
    name = "transpose_" + "_".join(str(axis) for axis in axes)
    case(name, "transpose", lambda x: np.transpose(x, axes), {"axes": axes}, x=normal(name, 2, 3, 5))
for axes in ([3, 1, 4, 0, 2], [4, 2, 0, 3, 1], [1, 0, 3, 2, 4]):
    name = "transpose_" + "_".join(str(axis) for axis in axes)
    case(name, "transpose", lambda x: np.transpose(x, axes), {"axes": axes}, x=normal(name, 2, 3, 2, 3, 2))

case("reshape", "reshape", lambda x: x.reshape(3, 4), {"shape": [3, 4]}, x=normal("reshape", 2, 6))


def taken(axis):
    """What numpy takes, and by add.at the gradient of its sum of squares."""

    def f(x, indices):
        out = np.take(x, indices, axis=axis)
        dx = np.zeros_like(x)
        np.add.at(dx, (slice(None),) * axis + (indices,), 2 * out)
        return {"out": out, "dx": dx}

    return f


for axis, indices in ((0, [2, 0, 0, 3]), (1, [[1, 1], [0, 2]]), (2, [4]), (1, [])):
    name = f"gather_{axis}_{np.size(indices)}"
    given = np.array(indices, dtype=np.int32)
    case(name, "gather", taken(axis), {"axis": axis}, x=normal(name, 4, 3, 5), indices=given)

for axis, start, end in ((0, 1, 3), (1, 0, 1), (2, 4, 5), (1, 2, 2)):
    index = (slice(None),) * axis + (slice(start, end),)
    name = f"slice_{axis}_{start}_{end}"
    options = {"axis": axis, "start": start, "end": end}
    case(name, "slice", lambda x: x[index], options, x=normal(name, 4, 3, 5))


def pieces(x, cuts, axis):
    return {f"out{i}": part for i, part in enumerate(np.split(x, cuts, axis=axis))}


case("split_equal", "split", lambda x: pieces(x, 2, 0), {"axis": 0, "pieces": 2}, x=normal("split_equal", 4, 3))
case(
    "split_extents", "split", lambda x: pieces(x, [1, 4], 1), {"axis": 1, "pieces": [1, 3, 1]},
    x=normal("split_extents", 2, 5, 2),
)
for axis in (0, 1, 2, -1):
    name = f"stack_{axis}"
    parts = {f"x{i}": normal(f"{name}/{i}", 2, 3) for i in range(3)}
    case(name, "stack", lambda *xs: np.stack(xs, axis=axis), {"axis": axis}, **parts)

write_fixture("ops.json", cases)
