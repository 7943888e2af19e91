"""One 3-D convolution, forward and backward apart, in PyTorch.

    python3 bench/peers/convolution3d_torch.py <manifest.json> --options '{"padding": 1}' [--dtype f64]
        [--slow] [--warmup 3] [--repeats 10] [--threads 2]

PyTorch chooses oneDNN for batches of 2 and more in float32, and `slow_conv3d` otherwise. With --slow it may
not choose oneDNN. What it chose is in the report.
"""

import json
import time

from peer import arguments, blas, parser, read_inputs, report, summary

more = parser(__doc__)
more.add_argument("--options", type=json.loads, required=True)
more.add_argument("--dtype", choices=["f32", "f64"], default="f32")
more.add_argument("--slow", action="store_true")
options = arguments(more)

import torch  # noqa: E402
from torch.nn import functional as F  # noqa: E402


def triple(extent):
    return [extent] * 3 if isinstance(extent, int) else extent


def main():
    torch.set_num_threads(options.threads)
    dtype = torch.float64 if options.dtype == "f64" else torch.float32
    p = {name: torch.from_numpy(value).to(dtype) for name, value in read_inputs(options.manifest).items()}
    leaves = {name: p[name].requires_grad_() for name in ("x", "W", "b")}
    stride = triple(options.options.get("stride", 1))
    padding = triple(options.options.get("padding", 0))
    groups = options.options.get("groups", 1)

    def step():
        for leaf in leaves.values():
            leaf.grad = None
        begin = time.perf_counter()
        y = F.conv3d(leaves["x"], leaves["W"], leaves["b"], stride, padding, 1, groups)
        between = time.perf_counter()
        y.backward(p["dy"])
        end = time.perf_counter()
        return y, (between - begin) * 1000, (end - between) * 1000

    with torch.backends.mkldnn.flags(enabled=not options.slow):
        chosen = torch._C._select_conv_backend(
            leaves["x"], leaves["W"], leaves["b"], stride, padding, [1, 1, 1], False, [0, 0, 0], groups
        )
        for _ in range(options.warmup):
            step()
        times = [step()[1:] for _ in range(options.repeats)]
        y = step()[0]
    report(
        peer="torch",
        version=torch.__version__,
        path=str(chosen).split(".")[-1],
        threads=torch.get_num_threads(),
        blas=blas(),
        forward=[forward for forward, _ in times],
        backward=[backward for _, backward in times],
        loss=(y.detach().double() * p["dy"].double()).sum().item(),
        gradients=summary({name: leaf.grad.numpy() for name, leaf in leaves.items()}),
    )


main()
