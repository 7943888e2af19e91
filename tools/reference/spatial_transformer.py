"""Writes test/fixtures/spatial-transformer.json: the parts of a spatial transformer in float64, by
PyTorch; the thin-plate spline by scipy.

    python3 tools/reference/spatial_transformer.py [--keep]

Every gradient belongs to the scalar  sum over outputs of <cotangent, output>.
"""

import numpy as np
import torch
from scipy.interpolate import RBFInterpolator
from torch.nn import functional as F

from fixture import generator, gradient_case, write_fixture

torch.set_num_threads(1)
CASES = {}


def case(name, inputs, forward, options):
    CASES[name] = gradient_case(name, inputs, forward, options)


# --- Affine grid -------------------------------------------------------------------------------


def affine_grid_case(name, N, OH, OW, align):
    case(
        name,
        {"theta": generator(name).standard_normal((N, 2, 3))},
        lambda theta: {"grid": F.affine_grid(theta, (N, 1, OH, OW), align_corners=align)},
        {"extent": [OH, OW], "alignCorners": align},
    )


affine_grid_case("affine_grid", 3, 4, 5, False)
affine_grid_case("affine_grid_corners", 2, 3, 6, True)
affine_grid_case("affine_grid_one_place", 2, 1, 1, False)
affine_grid_case("affine_grid_one_row_corners", 1, 1, 4, True)


# --- Bilinear sampler --------------------------------------------------------------------------


def sampler_case(name, shape, places, padding, align, spread=0.9):
    """Points inside and outside: normal values of deviation `spread`, so many lie beyond 1."""
    N = shape[0]
    rng = generator(name)
    case(
        name,
        {"x": rng.standard_normal(shape), "grid": rng.standard_normal((N, *places, 2)) * spread},
        lambda x, grid: {
            "out": F.grid_sample(x, grid, mode="bilinear", padding_mode=padding, align_corners=align)
        },
        {"padding": padding, "alignCorners": align},
    )


for padding in ("zeros", "border"):
    for align in (False, True):
        suffix = f"_{padding}" + ("_corners" if align else "")
        sampler_case("sampler" + suffix, (2, 5, 4, 3), (3, 4), padding, align)
        # Many points on few pixels.
        sampler_case("sampler_crowded" + suffix, (1, 1, 2, 3), (5, 5), padding, align, 0.3)
sampler_case("sampler_far", (1, 2, 3, 3), (3, 3), "border", False, 50)
sampler_case("sampler_far_zeros", (1, 2, 3, 3), (3, 3), "zeros", False, 50)
sampler_case("sampler_one_pixel", (2, 3, 1, 1), (2, 2), "zeros", False)
sampler_case("sampler_one_pixel_corners", (2, 3, 1, 1), (2, 2), "border", True)


# --- A window: an affine map within bounds -----------------------------------------------------


def window_case(name, N, spread):
    bounds = torch.tensor([[0.75, 0.25, 1], [0.25, 0.75, 1]], dtype=torch.float64)
    identity = torch.tensor([[1, 0, 0], [0, 1, 0]], dtype=torch.float64)
    case(
        name,
        {"raw": generator(name).standard_normal((N, 6)) * spread},
        lambda raw: {"theta": identity + bounds * torch.tanh(raw.view(N, 2, 3))},
        {},
    )


window_case("window", 4, 1)
window_case("window_one", 1, 0)
window_case("window_far", 2, 3)

# --- Other grids -------------------------------------------------------------------------------


def regular(OH, OW, align):
    """x and y of every place, (OH OW, 2), as torch's affine_grid has them."""
    identity = torch.tensor([[[1.0, 0, 0], [0, 1, 0]]], dtype=torch.float64)
    return F.affine_grid(identity, (1, 1, OH, OW), align_corners=align).reshape(OH * OW, 2)


def scale_translation(crop):
    s, tx, ty = crop.unbind(1)
    zero = torch.zeros_like(s)
    return {"theta": torch.stack([s, zero, tx, zero, s, ty], 1).view(-1, 2, 3)}


case("scale_translation", {"crop": generator("scale_translation").standard_normal((3, 3))}, scale_translation, {})


def projective_case(name, N, OH, OW, align):
    places = regular(OH, OW, align)
    homogeneous = torch.cat([places, torch.ones(len(places), 1, dtype=torch.float64)], 1)

    def forward(theta):
        maps = torch.cat([theta, torch.ones(N, 1, dtype=torch.float64)], 1).view(N, 3, 3)
        moved = homogeneous @ maps.transpose(1, 2)
        return {"grid": (moved[..., :2] / moved[..., 2:]).view(N, OH, OW, 2)}

    theta = np.array([1, 0, 0, 0, 1, 0, 0, 0]) + 0.3 * generator(name).standard_normal((N, 8))
    case(name, {"theta": theta}, forward, {"extent": [OH, OW], "alignCorners": align})


projective_case("projective", 3, 4, 5, False)
projective_case("projective_corners", 1, 2, 3, True)


def spline_case(name, N, KH, KW, OH, OW, align):
    controls = regular(KH, KW, True).numpy()
    places = regular(OH, OW, align).numpy()
    # A spline is linear in its values: what it makes of unit vectors is its matrix.
    matrix = RBFInterpolator(controls, np.eye(KH * KW), kernel="thin_plate_spline", degree=1)(places)
    points = controls.reshape(1, KH, KW, 2) + 0.2 * generator(name).standard_normal((N, KH, KW, 2))
    case(
        name,
        {"points": points},
        lambda points: {
            "grid": (torch.tensor(matrix) @ points.view(N, KH * KW, 2)).view(N, OH, OW, 2)
        },
        {"extent": [OH, OW], "alignCorners": align},
    )


spline_case("spline", 2, 4, 4, 3, 5, False)
spline_case("spline_corners", 1, 2, 3, 4, 4, True)
spline_case("spline_fewest", 3, 2, 2, 1, 2, False)

write_fixture("spatial-transformer.json", CASES)
