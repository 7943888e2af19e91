"""One training step of the LSTM captioner in PyTorch, as one would write it there.

    python3 bench/peers/captioner_torch.py <manifest.json> [--warmup 3] [--repeats 10] [--threads 2]
"""

from peer import arguments, blas, measure, read_inputs, report, summary

options = arguments(__doc__)

import torch  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

from gates import swap_gates  # noqa: E402


class Captioner(nn.Module):
    def __init__(self, D, W, H, V):
        super().__init__()
        self.projection = nn.Linear(D, H)
        self.embedding = nn.Embedding(V, W)
        self.lstm = nn.LSTM(W, H, batch_first=True)
        self.vocabulary = nn.Linear(H, V)

    def forward(self, features, captions):
        h0 = self.projection(features)[None]
        h, _ = self.lstm(self.embedding(captions[:, :-1]), (h0, torch.zeros_like(h0)))
        scores = self.vocabulary(h)
        loss = F.cross_entropy(
            scores.flatten(0, 1), captions[:, 1:].flatten(), ignore_index=0, reduction="sum"
        )
        return loss / len(features)


def load(model, p):
    values = {
        model.projection.weight: p["Wproj"].T,
        model.projection.bias: p["bproj"],
        model.embedding.weight: p["Wembed"],
        model.lstm.weight_ih_l0: swap_gates(p["Wx"].T),
        model.lstm.weight_hh_l0: swap_gates(p["Wh"].T),
        model.lstm.bias_ih_l0: swap_gates(p["b"]),
        model.lstm.bias_hh_l0: torch.zeros_like(p["b"]),
        model.vocabulary.weight: p["Wvocab"].T,
        model.vocabulary.bias: p["bvocab"],
    }
    with torch.no_grad():
        for parameter, value in values.items():
            parameter.copy_(value)


def gradients_of(model):
    lstm = model.lstm
    return {
        "Wproj": model.projection.weight.grad.T,
        "bproj": model.projection.bias.grad,
        "Wembed": model.embedding.weight.grad,
        "Wx": swap_gates(lstm.weight_ih_l0.grad).T,
        "Wh": swap_gates(lstm.weight_hh_l0.grad).T,
        "b": swap_gates(lstm.bias_ih_l0.grad),
        "Wvocab": model.vocabulary.weight.grad.T,
        "bvocab": model.vocabulary.bias.grad,
    }


def main():
    torch.set_num_threads(options.threads)
    p = {name: torch.from_numpy(value) for name, value in read_inputs(options.manifest).items()}
    D, H = p["Wproj"].shape
    V, W = p["Wembed"].shape
    model = Captioner(D, W, H, V)
    load(model, p)
    captions = p["captions"].long()

    def step():
        model.zero_grad(set_to_none=True)
        loss = model(p["features"], captions)
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
        gradients=summary({name: g.numpy() for name, g in gradients_of(model).items()}),
    )


main()
