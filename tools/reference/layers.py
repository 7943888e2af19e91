"""Writes test/fixtures/layers.json: further layers run forward and backward by PyTorch in float64.

    python3 tools/reference/layers.py [--keep]

Every gradient belongs to the scalar  sum over outputs of <cotangent, output>.
"""

import numpy as np
import torch
from torch.nn import functional as F

from fixture import arrays, generator, write_fixture

torch.set_num_threads(1)
CASES = {}


def case(name, inputs, forward, options=None):
    """Runs one case on inputs of four decimals and files it, with random cotangents."""
    rng = generator(name + "/cotangents")
    leaves = {
        key: torch.tensor(np.round(value, 4), dtype=torch.float64, requires_grad=True)
        for key, value in inputs.items()
    }
    outputs = forward(**leaves)
    cotangents = {
        "d" + key: np.round(rng.standard_normal(tuple(output.shape)), 4)
        for key, output in outputs.items()
    }
    total = sum((output * torch.as_tensor(cotangents["d" + key])).sum() for key, output in outputs.items())
    gradients = torch.autograd.grad(total, list(leaves.values()))
    CASES[name] = {
        "inputs": arrays(leaves),
        "options": options or {},
        "outputs": arrays(outputs),
        "cotangents": arrays(cotangents),
        "gradients": arrays({"d" + key: g for key, g in zip(leaves, gradients)}),
    }


# --- Layer norm -------------------------------------------------------------------------------


def layer_norm_case(name, shape, epsilon, offset=0.0):
    rng = generator(name)
    D = shape[-1]
    case(
        name,
        {
            "x": rng.standard_normal(shape) * 3 + offset,
            "gain": rng.standard_normal(D),
            "bias": rng.standard_normal(D),
        },
        lambda x, gain, bias: {"out": F.layer_norm(x, (D,), gain, bias, epsilon)},
        {"epsilon": epsilon},
    )


layer_norm_case("layer_norm", (4, 3, 7), 1e-5)
layer_norm_case("layer_norm_large_epsilon", (2, 16), 0.5)
layer_norm_case("layer_norm_off_centre", (3, 9), 1e-5, offset=50.0)
layer_norm_case("layer_norm_one_row", (1, 1, 6), 1e-5)


# --- Scores tied to the embedding ---------------------------------------------------------------


def tied_case(name, N, T, D, V):
    rng = generator(name)
    case(
        name,
        {"x": rng.standard_normal((N, T, D)), "E": rng.standard_normal((V, D)), "b": rng.standard_normal(V)},
        lambda x, E, b: {"scores": F.linear(x, E, b)},
    )


tied_case("tied_scores", 3, 4, 5, 7)
tied_case("tied_scores_one_step", 2, 1, 6, 3)
tied_case("tied_scores_one_of_all", 1, 1, 1, 1)

write_fixture("layers.json", CASES)
