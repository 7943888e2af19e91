"""One training step of an LSTM captioner with additive attention in PyTorch, as one would write it there.

    python3 bench/peers/attention_torch.py <manifest.json> [--warmup 3] [--repeats 10] [--threads 2]
"""

from peer import arguments, blas, measure, read_inputs, report, summary

options = arguments(__doc__)

import torch  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

from gates import swap_gates  # noqa: E402


class Captioner(nn.Module):
    def __init__(self, D, E, W, H, A, V):
        super().__init__()
        self.values = nn.Linear(D, E)
        self.projection = nn.Linear(E, H)
        self.memory = nn.Linear(E, H)
        self.embedding = nn.Embedding(V, W)
        self.keys = nn.Linear(E, A, bias=False)
        self.query = nn.Linear(H, A)
        self.score = nn.Linear(A, 1, bias=False)
        self.cell = nn.LSTMCell(W + E, H)
        self.vocabulary = nn.Linear(H, V)

    def forward(self, features, captions):
        values = F.relu(self.values(features))
        mean = values.mean(1)
        h, c = torch.tanh(self.projection(mean)), torch.tanh(self.memory(mean))
        keys = self.keys(values)
        hidden = []
        for word in self.embedding(captions[:, :-1]).unbind(1):
            scores = self.score(torch.tanh(keys + self.query(h)[:, None])).squeeze(2)
            context = torch.bmm(F.softmax(scores, 1)[:, None], values).squeeze(1)
            h, c = self.cell(torch.cat([word, context], 1), (h, c))
            hidden.append(h)
        scores = self.vocabulary(torch.stack(hidden, 1))
        loss = F.cross_entropy(
            scores.flatten(0, 1), captions[:, 1:].flatten(), ignore_index=0, reduction="sum"
        )
        return loss / len(features)


def load(model, p):
    values = {
        model.values.weight: p["Wvalues"].T,
        model.values.bias: p["bvalues"],
        model.projection.weight: p["Wproj"].T,
        model.projection.bias: p["bproj"],
        model.memory.weight: p["Wmemory"].T,
        model.memory.bias: p["bmemory"],
        model.embedding.weight: p["Wembed"],
        model.keys.weight: p["Wk"].T,
        model.query.weight: p["Wq"].T,
        model.query.bias: p["bq"],
        model.score.weight: p["v"][None],
        model.cell.weight_ih: swap_gates(torch.cat([p["Wx"], p["Wz"]]).T),
        model.cell.weight_hh: swap_gates(p["Wh"].T),
        model.cell.bias_ih: swap_gates(p["b"]),
        model.cell.bias_hh: torch.zeros_like(p["b"]),
        model.vocabulary.weight: p["Wvocab"].T,
        model.vocabulary.bias: p["bvocab"],
    }
    with torch.no_grad():
        for parameter, value in values.items():
            parameter.copy_(value)


def gradients_of(model):
    W = model.embedding.embedding_dim
    inputs = swap_gates(model.cell.weight_ih.grad).T
    return {
        "Wvalues": model.values.weight.grad.T,
        "bvalues": model.values.bias.grad,
        "Wproj": model.projection.weight.grad.T,
        "bproj": model.projection.bias.grad,
        "Wmemory": model.memory.weight.grad.T,
        "bmemory": model.memory.bias.grad,
        "Wembed": model.embedding.weight.grad,
        "Wk": model.keys.weight.grad.T,
        "Wq": model.query.weight.grad.T,
        "bq": model.query.bias.grad,
        "v": model.score.weight.grad[0],
        "Wx": inputs[:W],
        "Wz": inputs[W:],
        "Wh": swap_gates(model.cell.weight_hh.grad).T,
        "b": swap_gates(model.cell.bias_ih.grad),
        "Wvocab": model.vocabulary.weight.grad.T,
        "bvocab": model.vocabulary.bias.grad,
    }


def main():
    torch.set_num_threads(options.threads)
    p = {name: torch.from_numpy(value) for name, value in read_inputs(options.manifest).items()}
    D, E = p["Wvalues"].shape
    H, A = p["Wq"].shape
    V, W = p["Wembed"].shape
    model = Captioner(D, E, W, H, A, V)
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
