"""Writes test/fixtures/likelihoods.json: normal and Bernoulli distributions, forward and backward, by
torch.distributions in float64 (12 digits kept).

    python3 tools/reference/likelihoods.py [--keep]

Every gradient belongs to the scalar  sum over outputs of <cotangent, output>.
"""

import torch
from torch.distributions import Bernoulli, Normal, kl_divergence

from fixture import generator, gradient_case, write_fixture

torch.set_num_threads(1)
CASES = {}


def case(name, inputs, forward, constants=None):
    CASES[name] = gradient_case(name, inputs, forward, {}, constants, digits=12)


def normal(mean, logVariance):
    return Normal(mean, (logVariance / 2).exp())


def each(terms):
    return {"out": terms.flatten(1).sum(1)}


SHAPES = {"one": (1, 1), "rows": (3, 5), "pictures": (2, 3, 2, 5), "examples": (4,)}

for name, shape in SHAPES.items():
    rng = generator(name)

    def draw(scale=1.0, of=shape):
        return rng.standard_normal(of) * scale

    case(
        f"sample_{name}",
        {"mean": draw(), "logVariance": draw()},
        lambda mean, logVariance, noise: {"z": mean + (logVariance / 2).exp() * noise},
        {"noise": draw().round(4)},
    )
    case(
        f"bernoulli_{name}",
        {"logits": draw(4)},
        lambda logits, x: each(Bernoulli(logits=logits).log_prob(x).reshape(len(x), -1)),
        {"x": (rng.random(shape) < 0.4).astype(float)},
    )
    for variance, of in {"each": shape, "one": ()}.items():
        case(
            f"gaussian_{variance}_{name}",
            {"mean": draw(), "logVariance": draw(1, of), "x": draw()},
            lambda mean, logVariance, x: each(
                normal(mean, logVariance.expand_as(mean)).log_prob(x).reshape(len(x), -1)
            ),
        )
    case(
        f"kl_{name}",
        {"mean": draw(), "logVariance": draw()},
        lambda mean, logVariance: {
            "out": kl_divergence(
                normal(mean, logVariance), Normal(torch.zeros_like(mean), torch.ones_like(mean))
            )
        },
    )
    case(
        f"sampled_kl_{name}",
        {"mean": draw(), "logVariance": draw(), "z": draw()},
        lambda mean, logVariance, z: {
            "out": normal(mean, logVariance).log_prob(z)
            - Normal(torch.zeros_like(z), torch.ones_like(z)).log_prob(z)
        },
    )

write_fixture("likelihoods.json", CASES)
