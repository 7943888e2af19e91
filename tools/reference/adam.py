"""Writes test/fixtures/optimisers.json: 20 steps of Adam, AdamW and SGD, and gradient norm clipping.

    python3 tools/reference/adam.py

By torch.optim in float64. AdamW decays the matrix W and not the bias b. The gradients come from a fixed function along
the way and are filed for every step, so that an optimiser is tested on its own.
"""

import torch

from fixture import array, arrays, generator, write_fixture

torch.set_num_threads(1)
STEPS = 20


def start(name):
    """Two parameters of odd size: {"W": (3,5), "b": (7,)}."""
    rng = generator(name)
    return {
        "W": torch.tensor(rng.standard_normal((3, 5)).round(4), requires_grad=True),
        "b": torch.tensor(rng.standard_normal(7).round(4), requires_grad=True),
    }


def objective(parameters):
    """A badly scaled quadratic and a sine on top; b[3] is left out, so its gradient is always 0."""
    total = 0.0
    for name, parameter in parameters.items():
        index = torch.arange(parameter.numel(), dtype=torch.float64).reshape(parameter.shape)
        curvature = 10.0 ** (index % 5 - 2)
        terms = 0.5 * curvature * (parameter - 0.3) ** 2 + 0.2 * torch.sin(3 * parameter + index)
        if name == "b":
            terms = terms * (index != 3)
        total = total + terms.sum()
    return total


def run(name, make_optimiser, options):
    parameters = start(name)
    record = {"options": options, "start": arrays(parameters), "gradients": [], "parameters": []}
    optimiser = make_optimiser(list(parameters.values()))
    for _ in range(STEPS):
        optimiser.zero_grad()
        objective(parameters).backward()
        record["gradients"].append({k: array(p.grad) for k, p in parameters.items()})
        optimiser.step()
        record["parameters"].append(arrays(parameters))
    record["state"] = {
        key: {k: array(v) for k, v in optimiser.state[p].items() if isinstance(v, torch.Tensor) and v.dim()}
        for key, p in parameters.items()
    }
    return record


def adam(name, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    """State: exp_avg (m) and exp_avg_sq (v) after the last step, both without bias correction."""
    options = {"learningRate": lr, "beta1": beta1, "beta2": beta2, "epsilon": eps}
    return run(name, lambda p: torch.optim.Adam(p, lr=lr, betas=(beta1, beta2), eps=eps), options)


def adamw(name, lr, weight_decay):
    """Decoupled weight decay of the matrix alone."""

    def make(parameters):
        W, b = parameters
        groups = [{"params": [W], "weight_decay": weight_decay}, {"params": [b], "weight_decay": 0.0}]
        return torch.optim.AdamW(groups, lr=lr)

    return run(name, make, {"learningRate": lr, "weightDecay": weight_decay})


def sgd(name, lr, momentum):
    """PyTorch's rule: v = momentum v + gradient, parameter -= learningRate v (v starts as the gradient)."""
    options = {"learningRate": lr, "momentum": momentum}
    return run(name, lambda p: torch.optim.SGD(p, lr=lr, momentum=momentum), options)


def clip(name, max_norm, scale):
    """torch scales by maxNorm / (norm + 1e-6), and only downwards."""
    rng = generator(name)
    parameters = [torch.zeros(shape, dtype=torch.float64) for shape in ((3, 4), (5,), ())]
    for parameter in parameters:
        parameter.grad = torch.tensor((rng.standard_normal(tuple(parameter.shape)) * scale).round(4) + 0.0)
    names = ["W", "b", "scalar"]
    before = {k: array(p.grad) for k, p in zip(names, parameters)}
    norm = torch.nn.utils.clip_grad_norm_(parameters, max_norm)
    return {
        "options": {"maxNorm": max_norm},
        "gradients": before,
        "norm": array(norm),
        "clipped": {k: array(p.grad) for k, p in zip(names, parameters)},
    }


write_fixture(
    "optimisers.json",
    {
        "adam": adam("adam", lr=1e-3),
        "adam_other_constants": adam("adam_other_constants", lr=0.05, beta1=0.8, beta2=0.99, eps=1e-4),
        "adamw": adamw("adamw", lr=0.02, weight_decay=0.3),
        "sgd_momentum": sgd("sgd_momentum", lr=0.01, momentum=0.9),
        "sgd": sgd("sgd", lr=0.01, momentum=0.0),
        "clip_above": clip("clip_above", max_norm=1.0, scale=3.0),
        "clip_below": clip("clip_below", max_norm=100.0, scale=1.0),
        "clip_zero": clip("clip_zero", max_norm=5.0, scale=0.0),
    },
)
