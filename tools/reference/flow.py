"""Writes test/fixtures/flow.json: optical flow by OpenCV's calcOpticalFlowFarneback.

    python3 tools/reference/flow.py [--keep]

Needs OpenCV 4.6 (Debian 12: apt install python3-opencv). A smooth image, waves of many lengths, is seen
twice; between the two it has moved in a way that is known, and is filed as `motion`.
"""

import cv2
import numpy as np

from fixture import generator, write_fixture

cv2.setNumThreads(1)
CASES = {}


def waves(name):
    """A smooth function of the plane with values about 128 +- 100."""
    rng = generator(name)
    count = 14
    angles = rng.uniform(0, 2 * np.pi, count)
    lengths = rng.uniform(9, 40, count)
    phases = rng.uniform(0, 2 * np.pi, count)
    sizes = rng.uniform(0.5, 1, count)
    sizes *= 120 / np.sqrt((sizes**2).sum())

    def image(x, y):
        total = np.full(x.shape, 128.0)
        for angle, length, phase, size in zip(angles, lengths, phases, sizes):
            along = x * np.cos(angle) + y * np.sin(angle)
            total += size * np.sin(2 * np.pi * along / length + phase)
        return np.clip(np.round(total), 0, 255).astype(np.uint8)

    return image


def case(name, shape, motion, **options):
    """`motion` (x, y) -> (u, v) says where content of the second image came from: from (x - u, y - v)."""
    H, W = shape
    y, x = np.mgrid[0:H, 0:W].astype(np.float64)
    image = waves(name)
    u, v = motion(x, y)
    previous, following = image(x, y), image(x - u, y - v)
    full = {
        "pyrScale": 0.5,
        "levels": 5,
        "winSize": 13,
        "iterations": 10,
        "polyN": 5,
        "polySigma": 1.1,
        "window": "box",
        **options,
    }
    flags = cv2.OPTFLOW_FARNEBACK_GAUSSIAN if full["window"] == "gaussian" else 0
    numbers = [full[key] for key in ("pyrScale", "levels", "winSize", "iterations", "polyN", "polySigma")]
    flow = cv2.calcOpticalFlowFarneback(previous, following, None, *numbers, flags)
    CASES[name] = {
        "options": full,
        "previous": bytes_of(previous),
        "next": bytes_of(following),
        "flow": rounded(flow),
    }
    inside = np.hypot(flow[..., 0] - u, flow[..., 1] - v)[5:-5, 5:-5]
    if inside.size:
        print(f"{name}: off the true motion by {inside.mean():.3f} pixels, at most {inside.max():.3f}")


def bytes_of(image):
    return {"shape": list(image.shape), "dtype": "int32", "data": image.reshape(-1).tolist()}


def rounded(flow):
    return {"shape": list(flow.shape), "data": [round(float(value), 4) for value in flow.reshape(-1)]}


def shifted(u, v):
    return lambda x, y: (np.full(x.shape, u), np.full(y.shape, v))


def turned(centre, angle, zoom):
    def motion(x, y):
        cx, cy = centre
        c, s = zoom * np.cos(angle), zoom * np.sin(angle)
        return (
            x - cx - (c * (x - cx) + s * (y - cy)),
            y - cy - (-s * (x - cx) + c * (y - cy)),
        )

    return motion


case("a shift, the defaults", (70, 67), shifted(1.3, -0.7))
case("a large shift", (68, 80), shifted(5.5, 3.25), winSize=15, iterations=3)
case(
    "turned, a Gaussian window",
    (66, 72),
    turned((36, 33), 0.04, 1.02),
    levels=2,
    winSize=15,
    iterations=3,
    polyN=7,
    polySigma=1.5,
    window="gaussian",
)
case("an even window, other levels", (45, 61), shifted(-1.1, 2.2), pyrScale=0.8, levels=3, winSize=10, iterations=4)
case("a window wider than the image", (18, 23), turned((11, 9), -0.03, 0.98), winSize=31, iterations=2, levels=0)
case("no level is small enough", (40, 33), shifted(0.4, 0.9), iterations=1, levels=1)
case("one row", (1, 40), shifted(0.8, 0), iterations=3)
case("one column", (40, 1), shifted(0, 0.8), iterations=3)
case("ten rows", (10, 13), shifted(0.3, -0.2), iterations=2)

write_fixture("flow.json", CASES)
