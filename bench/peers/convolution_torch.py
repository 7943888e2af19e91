"""One 3 x 3 convolution, forward and backward, in PyTorch.

    python3 bench/peers/convolution_torch.py <manifest.json> [--warmup 3] [--repeats 10] [--threads 2]
"""

from peer import arguments, blas, measure, read_inputs, report, summary

options = arguments(__doc__)

import torch  # noqa: E402
from torch.nn import functional as F  # noqa: E402


def main():
    torch.set_num_threads(options.threads)
    p = {name: torch.from_numpy(value) for name, value in read_inputs(options.manifest).items()}
    leaves = {name: p[name].requires_grad_() for name in ("x", "W", "b")}

    def step():
        for leaf in leaves.values():
            leaf.grad = None
        y = F.conv2d(leaves["x"], leaves["W"], leaves["b"], padding=1)
        y.backward(p["dy"])
        return y

    milliseconds, y = measure(step, options)
    report(
        peer="torch",
        version=torch.__version__,
        threads=torch.get_num_threads(),
        blas=blas(),
        milliseconds=milliseconds,
        loss=(y.detach().double() * p["dy"].double()).sum().item(),
        gradients=summary({name: leaf.grad.numpy() for name, leaf in leaves.items()}),
    )


main()
