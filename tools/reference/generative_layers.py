"""Writes test/fixtures/generative-layers.json: layers of generative models, forward and backward, by PyTorch in float64
(12 digits kept).

    python3 tools/reference/generative_layers.py [--keep]

Every gradient belongs to the scalar  sum over outputs of <cotangent, output>.
"""

import numpy as np
import torch
from torch.nn import functional as F

from fixture import generator, gradient_case, write_fixture

torch.set_num_threads(1)
CASES = {}


def case(name, inputs, forward, options=None, constants=None):
    CASES[name] = gradient_case(name, inputs, forward, options, constants, digits=12)


def normal(name, *shape):
    return generator(name).standard_normal(shape)


# --- Masked convolution: F.conv2d with a mask that is written out place by place ---------------------------


def mask_of(shape, kind, colours):
    F_, C, KH, KW = shape
    mask = torch.zeros(shape, dtype=torch.float64)
    for f in range(F_):
        for c in range(C):
            for i in range(KH):
                for j in range(KW):
                    before = (i, j) < (KH // 2, KW // 2)
                    middle = (i, j) == (KH // 2, KW // 2)
                    seen = c % colours < f % colours or (kind == "B" and c % colours == f % colours)
                    mask[f, c, i, j] = before or (middle and seen)
    return mask


def masked_case(name, N, C, size, filters, kernel, kind, colours=1, dilation=(1, 1)):
    KH, KW = kernel
    padding = (dilation[0] * (KH // 2), dilation[1] * (KW // 2))
    mask = mask_of((filters, C, KH, KW), kind, colours)
    case(
        name,
        {
            "x": normal(name + "/x", N, C, *size),
            "W": normal(name + "/W", filters, C, KH, KW) * 0.5,
            "b": normal(name + "/b", filters),
        },
        lambda x, W, b: {"y": F.conv2d(x, W * mask, b, 1, padding, dilation)},
        {"type": kind, "colours": colours, "dilation": list(dilation)},
    )


for kind in "AB":
    masked_case(f"masked_conv2d_{kind}", 2, 2, (5, 4), 3, (3, 3), kind)
    masked_case(f"masked_conv2d_{kind}_colours", 2, 3, (4, 5), 6, (5, 3), kind, 3)
    masked_case(f"masked_conv2d_{kind}_many_colours", 1, 6, (3, 4), 9, (3, 3), kind, 3)
    masked_case(f"masked_conv2d_{kind}_dilated", 1, 4, (6, 7), 2, (3, 5), kind, 2, (2, 1))
    masked_case(f"masked_conv2d_{kind}_row", 2, 2, (3, 5), 4, (1, 5), kind, 2)
    masked_case(f"masked_conv2d_{kind}_column", 1, 1, (5, 3), 2, (5, 1), kind)
    masked_case(f"masked_conv2d_{kind}_one_place", 2, 3, (1, 1), 3, (1, 1), kind, 3)
    masked_case(f"masked_conv2d_{kind}_beyond_image", 1, 1, (2, 2), 1, (7, 7), kind)

# --- Log of sums of exponentials --------------------------------------------------------------------------


def log_sum_exp_case(name, shape, axes, keep=False, factor=1.0):
    case(
        name,
        {"x": normal(name, *shape) * factor},
        lambda x: {"out": torch.logsumexp(x, axes, keep)},
        {"axes": axes, "keepDims": keep},
    )


log_sum_exp_case("log_sum_exp_last", (3, 5), [1])
log_sum_exp_case("log_sum_exp_first", (4, 3), [0], keep=True)
log_sum_exp_case("log_sum_exp_between", (2, 7, 3), [1])
log_sum_exp_case("log_sum_exp_apart", (2, 3, 4, 2), [0, 2])
log_sum_exp_case("log_sum_exp_one", (3, 1), [1])
log_sum_exp_case("log_sum_exp_large", (3, 6), [1], factor=900.0)

# --- Pixel shuffle ----------------------------------------------------------------------------------------

for name, shape, factor in (
    ("pixel_shuffle", (2, 8, 2, 3), 2),
    ("pixel_shuffle_three", (1, 9, 2, 1), 3),
    ("pixel_shuffle_one", (2, 3, 2, 2), 1),
):
    case(name, {"x": normal(name, *shape)}, lambda x: {"y": F.pixel_shuffle(x, factor)}, {"factor": factor})
for name, shape, factor in (("pixel_unshuffle", (2, 2, 4, 6), 2), ("pixel_unshuffle_three", (1, 1, 3, 6), 3)):
    case(name, {"x": normal(name, *shape)}, lambda x: {"y": F.pixel_unshuffle(x, factor)}, {"factor": factor})

# --- Minibatch standard deviation, as StyleGAN writes it --------------------------------------------------


def minibatch_deviation(x, group_size, features):
    N, C, H, W = x.shape
    G = min(group_size, N)
    y = x.reshape(G, -1, features, C // features, H, W)
    y = y - y.mean(0)
    y = (y.square().mean(0) + 1e-8).sqrt()
    y = y.mean([2, 3, 4]).reshape(-1, features, 1, 1)
    return torch.cat([x, y.repeat(G, 1, H, W)], 1)


for name, shape, group, features in (
    ("minibatch_deviation", (8, 3, 2, 3), 4, 1),
    ("minibatch_deviation_features", (6, 4, 3, 2), 3, 2),
    ("minibatch_deviation_small_batch", (3, 2, 2, 2), 4, 1),
    ("minibatch_deviation_pairs", (4, 2, 1, 1), 2, 2),
):
    case(
        name,
        {"x": normal(name, *shape)},
        lambda x: {"y": minibatch_deviation(x, group, features)},
        {"groupSize": group, "features": features},
    )

# --- Spectral norm: PyTorch's own, whose vectors are those of one step of power iteration -------------------


def spectral_case(name, *shape):
    W = np.round(normal(name, *shape), 4)
    v = normal(name + "/v", W[0].size)
    v = torch.as_tensor(v / np.linalg.norm(v))
    options = {"v": v.tolist()}

    def forward(W):
        holder = torch.nn.Module()
        holder.weight = torch.nn.Parameter(torch.zeros(shape, dtype=torch.float64))
        norm = torch.nn.utils.parametrizations.spectral_norm(holder).parametrizations.weight[0].train()
        norm._v.copy_(v)
        out = norm(W)
        options["after"] = {"u": norm._u.tolist(), "v": norm._v.tolist()}
        return {"out": out}

    case(name, {"W": W}, forward, options)


spectral_case("spectral_norm", 4, 5)
spectral_case("spectral_norm_filters", 3, 2, 3, 3)
spectral_case("spectral_norm_row", 1, 6)
spectral_case("spectral_norm_column", 5, 1)

write_fixture("generative-layers.json", CASES)
