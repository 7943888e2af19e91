"""One training step of an ST-CNN, forward and backward, in PyTorch.

    python3 bench/peers/classifier_torch.py <manifest.json> [--warmup 3] [--repeats 10] [--threads 2]
"""

from peer import arguments, blas, measure, read_inputs, report, summary

options = arguments(__doc__)

import torch  # noqa: E402
from torch.nn import functional as F  # noqa: E402

WINDOW = (28, 28)


def run_stack(p, x):
    """Convolutions with relu and pooling by 2 x 2, then affine layers with relu between them."""
    layers = [p[name] for name in sorted(p)]
    for index, layer in enumerate(layers):
        if layer["W"].dim() == 4:
            x = F.max_pool2d(F.relu(F.conv2d(x, layer["W"], layer["b"])), 2)
        else:
            x = x.flatten(1) @ layer["W"] + layer["b"]
            if index < len(layers) - 1:
                x = F.relu(x)
    return x


def main():
    torch.set_num_threads(options.threads)
    inputs = {name: torch.from_numpy(value) for name, value in read_inputs(options.manifest).items()}
    x, labels = inputs.pop("x"), inputs.pop("labels").long()
    leaves = {name: value.requires_grad_() for name, value in inputs.items()}
    parts = {"network": {}, "localisation": {}}
    for name, value in leaves.items():
        part, layer, leaf = name.split(".")
        parts[part].setdefault(layer, {})[leaf] = value

    def step():
        for leaf in leaves.values():
            leaf.grad = None
        theta = run_stack(parts["localisation"], F.max_pool2d(x, 2)).view(-1, 2, 3)
        grid = F.affine_grid(theta, (len(x), 1, *WINDOW), align_corners=False)
        view = F.grid_sample(x, grid, align_corners=False)
        loss = F.cross_entropy(run_stack(parts["network"], view), labels)
        loss.backward()
        return loss.item()

    milliseconds, loss = measure(step, options)
    report(
        peer="torch",
        version=torch.__version__,
        threads=torch.get_num_threads(),
        blas=blas(),
        milliseconds=milliseconds,
        loss=loss,
        gradients=summary({name: leaf.grad.numpy() for name, leaf in leaves.items()}),
    )


main()
