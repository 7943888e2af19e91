"""What every reference script shares: arrays as JSON, seeded random numbers, atomic writing.

An array is written as {"shape": [...], "data": [...]}, row-major; integer arrays carry
"dtype": "int32" as well. Python prints the shortest decimal that reads back as the same
float64, so nothing is lost on the way to JavaScript.
"""

import json
import os
import sys
import zlib
from pathlib import Path

import numpy as np

try:
    import torch
except ImportError:  # Scripts that ask numpy alone do without.
    torch = None

FIXTURES = Path(__file__).resolve().parents[2] / "test" / "fixtures"


def generator(name):
    """A random generator that depends on the case's name alone, not on the order of the cases."""
    return np.random.default_rng(zlib.crc32(name.encode()))


def array(value, digits=None):
    """A tensor, numpy array or number as JSON; `digits` keeps that many significant digits."""
    if torch is not None and isinstance(value, torch.Tensor):
        value = value.detach().numpy()
    value = np.asarray(value)
    flat = value.reshape(-1).tolist()
    if np.issubdtype(value.dtype, np.integer):
        return {"shape": list(value.shape), "dtype": "int32", "data": flat}
    if digits is not None:
        flat = [float(f"%.{digits}g" % number) for number in flat]
    return {"shape": list(value.shape), "data": flat}


def arrays(values, digits=None):
    return {name: array(value, digits) for name, value in values.items()}


def gradient_case(name, inputs, forward, options=None, constants=None, digits=None):
    """Inputs of four decimals, what `forward` makes of them by PyTorch in float64, and the gradients
    of  sum over outputs of <cotangent, output>  under random cotangents. `constants` (targets,
    statistics) are given to `forward` as well, and have no gradient."""
    rng = generator(name + "/cotangents")
    leaves = {
        key: torch.tensor(np.round(value, 4), dtype=torch.float64, requires_grad=True)
        for key, value in inputs.items()
    }
    fixed = {key: torch.as_tensor(value) for key, value in (constants or {}).items()}
    filed = arrays({**leaves, **fixed})
    outputs = forward(**leaves, **fixed)
    cotangents = {
        "d" + key: np.round(rng.standard_normal(tuple(output.shape)), 4)
        for key, output in outputs.items()
    }
    total = sum((output * torch.as_tensor(cotangents["d" + key])).sum() for key, output in outputs.items())
    gradients = torch.autograd.grad(total, list(leaves.values()))
    return {
        "inputs": filed,
        "options": options or {},
        "outputs": arrays(outputs, digits),
        "cotangents": arrays(cotangents),
        "gradients": arrays({"d" + key: g for key, g in zip(leaves, gradients)}, digits),
    }


def _lines(value, indent):
    """JSON with one line an array: a changed case then shows as a few changed lines."""
    if isinstance(value, dict) and value and "data" not in value:
        inner = ",\n".join(
            f"{' ' * (indent + 1)}{json.dumps(key)}: {_lines(item, indent + 1)}"
            for key, item in value.items()
        )
        return "{\n" + inner + "\n" + " " * indent + "}"
    return json.dumps(value, allow_nan=False, separators=(",", ":"))


def write_fixture(name, content):
    """With --keep on the command line, entries that the file has already stay as they are: the last
    digits of a sum depend on the processor, and would change under it."""
    FIXTURES.mkdir(parents=True, exist_ok=True)
    target = FIXTURES / name
    if "--keep" in sys.argv and target.exists():
        kept = json.loads(target.read_text())
        content = {key: kept.get(key, fresh) for key, fresh in content.items()}
    temporary = target.with_name(f".{name}.{os.getpid()}")
    temporary.write_text(_lines(content, 0) + "\n")
    temporary.replace(target)
    print(f"{target.name}: {len(content)} entries, {target.stat().st_size / 1024:.0f} KiB")
