"""Writes test/fixtures/layers.json: further layers run forward and backward by PyTorch in float64.

    python3 tools/reference/layers.py [--keep]

Every gradient belongs to the scalar  sum over outputs of <cotangent, output>.
"""

import numpy as np
import torch
from torch.nn import functional as F

from fixture import generator, gradient_case, write_fixture

torch.set_num_threads(1)
CASES = {}


def case(name, inputs, forward, options=None):
    CASES[name] = gradient_case(name, inputs, forward, options)


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


# --- Sequences of different lengths as one value each ---------------------------------------------
# What lies behind a sequence is random: it may not count.


def behind(x, lengths):
    """Where x (N, T, ...) holds no step of a sequence."""
    mask = torch.arange(x.shape[1])[None] >= torch.tensor(lengths)[:, None]
    return mask.reshape(mask.shape + (1,) * (x.dim() - 2))


def mean_over_time_case(name, shape, lengths):
    case(
        name,
        {"x": generator(name).standard_normal(shape)},
        lambda x: {
            "out": x.masked_fill(behind(x, lengths), 0).sum(1)
            / torch.tensor(lengths, dtype=x.dtype).reshape((-1,) + (1,) * (x.dim() - 2))
        },
        {"lengths": lengths},
    )


def attention_pool(x, scores, lengths):
    weights = scores.masked_fill(behind(scores, lengths), -np.inf).softmax(1)
    return {"out": torch.einsum("nt,nt...->n...", weights, x), "weights": weights}


def attention_pool_case(name, shape, lengths):
    rng = generator(name)
    case(
        name,
        {"x": rng.standard_normal(shape), "scores": rng.standard_normal(shape[:2]) * 2},
        lambda x, scores: attention_pool(x, scores, lengths),
        {"lengths": lengths},
    )


for make, kind in ((mean_over_time_case, "mean_over_time"), (attention_pool_case, "attention_pool")):
    make(kind, (4, 5, 3), [2, 5, 1, 4])
    make(kind + "_maps", (2, 3, 2, 2), [3, 2])
    make(kind + "_one_of_all", (1, 1, 1), [1])

write_fixture("layers.json", CASES)
