"""GFLOP/s of a square float32 matrix product in numpy and in PyTorch: the ceiling for the rest.

    python3 bench/peers/gemm_numpy.py [--size 1024] [--warmup 3] [--repeats 10] [--threads 2]
"""

from peer import arguments, blas, measure, report

options = arguments(__doc__, inputs=False)

import numpy as np  # noqa: E402
import torch  # noqa: E402

size = options.size
torch.set_num_threads(options.threads)
rng = np.random.default_rng(0)
a, b, out = (rng.standard_normal((size, size)).astype(np.float32) for _ in range(3))
ta, tb, tout = (torch.from_numpy(x) for x in (a, b, out))


def entry(name, version, step):
    milliseconds, _ = measure(step, options)
    return {
        "peer": name,
        "version": version,
        "milliseconds": milliseconds,
        "gflops": 2 * size**3 / (float(np.median(milliseconds)) * 1e6),
    }


report(
    size=size,
    threads=options.threads,
    blas=blas(),
    results=[
        entry("numpy", np.__version__, lambda: np.matmul(a, b, out=out)),
        entry("torch", torch.__version__, lambda: torch.matmul(ta, tb, out=tout)),
    ],
)
