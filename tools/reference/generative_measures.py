"""Writes test/fixtures/generative-measures.json: measures of generative models, by numpy alone.

    python3 tools/reference/generative_measures.py

SSIM of Wang et al. (2004) window by window, with a two-dimensional Gaussian of 11 x 11 and means,
variances and covariance about the window's own means: another way than two passes along the sides.

The Frechet distance by the eigenvalues of the product of the two covariances, which is not symmetric:
another way than a symmetric root. Features of few samples leave covariances without full rank.

Precision, recall, density and coverage by the whole matrix of distances.

Multinomial logistic regression with a penalty, by Newton's method on standardised codes.
"""

import numpy as np
from fixture import array, generator, write_fixture


def ssim(a, b, data_range):
    places = np.arange(11) - 5
    gauss = np.exp(-(places[:, None] ** 2 + places[None, :] ** 2) / (2 * 1.5**2))
    gauss /= gauss.sum()
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    windows = lambda x: np.lib.stride_tricks.sliding_window_view(x, (11, 11), axis=(2, 3))  # noqa: E731
    wa, wb = windows(a), windows(b)
    mean = lambda w: (w * gauss).sum((-1, -2), keepdims=True)  # noqa: E731
    ma, mb = mean(wa), mean(wb)
    va, vb, cov = mean((wa - ma) ** 2), mean((wb - mb) ** 2), mean((wa - ma) * (wb - mb))
    every = (2 * ma * mb + c1) * (2 * cov + c2) / ((ma**2 + mb**2 + c1) * (va + vb + c2))
    return every.mean((1, 2, 3, 4, 5))


def picture_case(name, shape, data_range, low=0.0):
    rng = generator(name)
    a = np.round(low + data_range * rng.random(shape), 3)
    b = np.round(np.clip(a + 0.2 * data_range * rng.standard_normal(shape), low, low + data_range), 3)
    mse = ((a - b) ** 2).mean((1, 2, 3))
    return {
        "a": array(a),
        "b": array(b),
        "range": data_range,
        "ssim": array(ssim(a, b, data_range)),
        "mse": array(mse),
        "psnr": array(10 * np.log10(data_range**2 / mse)),
    }


def frechet(a, b):
    ca, cb = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    roots = np.sqrt(np.linalg.eigvals(ca @ cb).astype(complex)).real
    return ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(ca) + np.trace(cb) - 2 * roots.sum()


def distances(a, b):
    return np.sqrt(((a[:, None, :] - b[None, :, :]) ** 2).sum(-1))


def feature_case(name, N, M, D, k):
    rng = generator(name)
    mix = rng.standard_normal((D, D)) / np.sqrt(D)
    real = np.round(rng.standard_normal((N, D)) @ mix, 4)
    made = np.round(0.3 + 0.8 * rng.standard_normal((M, D)) @ mix, 4)
    radii = lambda x: np.sort(distances(x, x), axis=1)[:, k]  # noqa: E731
    within = distances(made, real) <= radii(real)[None, :]
    return {
        "real": array(real),
        "generated": array(made),
        "k": k,
        "frechet": frechet(real, made),
        "precision": within.any(1).mean(),
        "recall": (distances(real, made) <= radii(made)[None, :]).any(1).mean(),
        "density": within.sum() / (k * M),
        "coverage": within.any(0).mean(),
    }


def softmax(scores):
    e = np.exp(scores - scores.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def probe_case(name, N, D, K, l2):
    rng = generator(name)
    x = np.round(rng.standard_normal((N, D)) * np.linspace(0.5, 20, D) + 3, 3)
    y = (rng.random(N) * K).astype(np.int32)
    x = np.round(x + y[:, None] * rng.standard_normal(D) * 2, 3)
    z = (x - x.mean(0)) / x.std(0)
    one = np.hstack([z, np.ones((N, 1))])
    w = np.zeros((D + 1, K))
    penalty = np.full((D + 1, K), l2)
    penalty[-1] = 0
    for _ in range(60):
        p = softmax(one @ w)
        gradient = one.T @ (p - np.eye(K)[y]) / N + penalty * w
        # Hessian over (input, class) pairs.
        h = np.einsum("ni,nj,nk,nkl->ikjl", one, one, p, np.eye(K)[None] - p[:, None, :]) / N
        h = h.reshape((D + 1) * K, -1) + np.diag(penalty.reshape(-1))
        w -= np.linalg.lstsq(h, gradient.reshape(-1), rcond=1e-13)[0].reshape(w.shape)
    p = softmax(one @ w)
    loss = -np.log(p[np.arange(N), y]).mean()
    return {
        "codes": array(x),
        "labels": array(y),
        "classes": K,
        "l2": l2,
        "loss": loss,
        "objective": loss + (penalty * w**2).sum() / 2,
        "accuracy": (p.argmax(1) == y).mean(),
    }


write_fixture(
    "generative-measures.json",
    {
        "grey": picture_case("ssim grey", (3, 1, 14, 17), 1.0),
        "colour": picture_case("ssim colour", (2, 3, 12, 11), 2.0, -1.0),
        "bytes": picture_case("ssim bytes", (1, 1, 20, 20), 255.0),
        "features": feature_case("features", 40, 30, 6, 3),
        "few_features": feature_case("few features", 9, 7, 12, 2),
        "probe": probe_case("probe", 60, 4, 3, 0.01),
        "two_classes": probe_case("probe of two", 40, 3, 2, 0.1),
    },
)
