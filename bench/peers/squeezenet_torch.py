"""SqueezeNet 1.0 on a batch in PyTorch. Leaves the network beside the inputs as squeezenet.onnx.

    python3 bench/peers/squeezenet_torch.py <manifest.json> [--warmup 3] [--repeats 10] [--threads 2]
"""

from peer import arguments, blas, measure, read_inputs, report, summary

options = arguments(__doc__)

import torch  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402


class SqueezeNet(nn.Module):
    def __init__(self, p):
        super().__init__()
        names = sorted({name.rsplit(".", 1)[0] for name in p})
        self.p = nn.ParameterDict(
            {f"{name}.{kind}".replace(".", "_"): p[f"{name}.{kind}"] for name in names for kind in ("weight", "bias")}
        )

    def conv(self, name, x, **moves):
        name = name.replace(".", "_")
        return F.relu(F.conv2d(x, self.p[f"{name}_weight"], self.p[f"{name}_bias"], **moves))

    def forward(self, x):
        x = self.conv("features.0", x, stride=2)
        for index in range(2, 13):
            if index in (2, 6, 11):
                x = F.max_pool2d(x, 3, 2, ceil_mode=True)
                continue
            s = self.conv(f"features.{index}.squeeze", x)
            expand = f"features.{index}.expand"
            x = torch.cat([self.conv(f"{expand}1x1", s), self.conv(f"{expand}3x3", s, padding=1)], 1)
        return self.conv("classifier.1", x).mean((2, 3))


def main():
    torch.set_num_threads(options.threads)
    p = {name: torch.from_numpy(value) for name, value in read_inputs(options.manifest).items()}
    x = p.pop("x")
    model = SqueezeNet(p).eval()
    with torch.inference_mode():
        milliseconds, logits = measure(lambda: model(x), options)
    path = options.manifest.parent / "squeezenet.onnx"
    if not path.exists():
        torch.onnx.export(model, x, str(path), input_names=["x"], output_names=["logits"])
    report(
        peer="torch",
        version=torch.__version__,
        threads=torch.get_num_threads(),
        blas=blas(),
        milliseconds=milliseconds,
        loss=logits.double().sum().item(),
        gradients=summary({"logits": logits.numpy()}),
    )


main()
