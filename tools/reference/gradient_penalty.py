"""Writes test/fixtures/gradient-penalty.json: R1 and WGAN-GP's penalty of small discriminators, and the gradients of
their parameters by PyTorch's double backward in float64 (12 digits kept).

    python3 tools/reference/gradient_penalty.py [--keep]
"""

import numpy as np
import torch
from torch.nn import functional as F

from fixture import array, arrays, generator, write_fixture

torch.set_num_threads(1)
CASES = {}
WEIGHT = 10.0


def leaky(x):
    return F.leaky_relu(x, 0.2)


def head(p, h):
    return h.flatten(1) @ p["W"] + p["b"]


def dense(p, x):
    h = leaky(x.flatten(1) @ p["W1"] + p["b1"])
    h = leaky(h @ p["W2"] + p["b2"])
    return h @ p["W"] + p["b"]


def convolutional(p, x):
    h = leaky(F.conv2d(x, p["K1"], p["c1"], 2, 1))
    h = leaky(F.conv2d(h, p["K2"], p["c2"], 2, 1))
    return head(p, h)


def course(p, x):
    h = F.max_pool2d(leaky(F.conv2d(x, p["K1"], p["c1"])), 2)
    h = F.max_pool2d(leaky(F.conv2d(h, p["K2"], p["c2"], 1, 1)), 2)
    return head(p, leaky(h.flatten(1) @ p["W1"] + p["b1"]))


def normalised(p, x):
    h = F.conv2d(x, p["K1"], p["c1"], 2, 1)
    h = leaky(F.layer_norm(h, h.shape[1:]) )
    h = F.conv2d(h, p["K2"], p["c2"], 2, 1)
    h = leaky(F.group_norm(h, 2, p["gain"], p["bias"]))
    return head(p, h)


def smooth(p, x):
    h = torch.tanh(F.conv2d(x, p["K1"], p["c1"], 2, 1))
    h = F.softplus(F.conv2d(h, p["K2"], p["c2"], 1, 1))
    return torch.sigmoid(head(p, F.avg_pool2d(h, 2)))


def batch_normed(p, x):
    h = F.conv2d(x, p["K1"], p["c1"], 2, 1)
    h = leaky(F.batch_norm(h, None, None, p["gain1"], p["bias1"], True))
    h = leaky(F.conv2d(h, p["K2"], p["c2"], 2, 1))
    return head(p, h)


def shapes(side, after, M=4, C=2, first=3, K1=3, **more):
    return {
        "K1": (first, C, K1, K1), "c1": (first,), "K2": (4, first, 3, 3), "c2": (4,),
        "W": (after, 1), "b": (1,), **more,
    }, (M, C, side, side)


NETWORKS = {
    "dense": (dense, {"W1": (18, 6), "b1": (6,), "W2": (6, 5), "b2": (5,), "W": (5, 1), "b": (1,)}, (4, 2, 3, 3)),
    "convolutional": (convolutional, *shapes(8, 16)),
    "course": (course, *shapes(12, 5, K1=5, W1=(16, 5), b1=(5,))),
    "normalised": (normalised, *shapes(8, 16, gain=(4,), bias=(4,))),
    "smooth": (smooth, *shapes(8, 16)),
    "batch_normed": (batch_normed, *shapes(8, 16, gain1=(3,), bias1=(3,))),
    "one_picture": (convolutional, *shapes(5, 16, M=1, C=1)),
}


def penalty(kind, scores, x):
    (g,) = torch.autograd.grad(scores.sum(), x, create_graph=True)
    g = g.flatten(1)
    if kind == "r1":
        return WEIGHT / 2 * g.square().sum(1).mean()
    return WEIGHT * (g.norm(dim=1) - 1).square().mean()


def draw(name):
    network, parameters, shape = NETWORKS[name]
    rng = generator(name)
    p = {key: np.round(rng.standard_normal(size) * 0.6, 4) for key, size in parameters.items()}
    return network, p, np.round(rng.standard_normal(shape), 4)


def gradients(name, kind, dtype=torch.float64):
    network, p, x = draw(name)
    p = {key: torch.tensor(value, dtype=dtype, requires_grad=True) for key, value in p.items()}
    x = torch.tensor(x, dtype=dtype, requires_grad=True)
    loss = penalty(kind, network(p, x), x)
    found = torch.autograd.grad(loss, list(p.values()), allow_unused=True)
    return loss, {k: torch.zeros_like(v) if g is None else g for (k, v), g in zip(p.items(), found)}


def main():
    for name in NETWORKS:
        _, p, x = draw(name)
        one = {"x": array(x), "parameters": arrays(p)}
        for kind in ("r1", "wgan-gp"):
            loss, found = gradients(name, kind)
            one[kind] = {"loss": array(loss, 12), "gradients": arrays(found, 12)}
        CASES[name] = one
    write_fixture("gradient-penalty.json", CASES)


if __name__ == "__main__":
    main()
