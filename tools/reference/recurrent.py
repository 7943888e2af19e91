"""Writes test/fixtures/recurrent.json: layers run forward and backward by PyTorch in float64.

    python3 tools/reference/recurrent.py [--keep]

Arrays are in this library's layout, not in PyTorch's:
  x (N,T,D), h (N,T,H); Wx (D,4H), Wh (H,4H), b (4H,) with the gate columns in the order
  i, f, o, g; for a GRU Wx (D,3H), Wh (H,3H), b (3H,) in the order r, z, n, with bh (H,) inside the
  reset; affine W (D,M); images (N,C,H,W), convolution filters W (F,C,KH,KW).
Every gradient belongs to the scalar  sum over outputs of <cotangent, output>.
"""

import numpy as np
import torch
from torch.nn import functional as F

from fixture import arrays, generator, write_fixture

torch.set_num_threads(1)
CASES = {}


def short(values):
    """Four decimals, so that the file stays small; the rounded numbers are the ones computed with."""
    return np.round(values, 4)


def leaf(values):
    return torch.tensor(short(values), dtype=torch.float64, requires_grad=True)


def case(name, inputs, forward, options=None, constants=None, cotangents=None):
    """Runs one case and files it.

    `inputs` get gradients, `constants` (integers, masks) do not. `forward` maps both to a
    dictionary of outputs; a cotangent not given for an output is drawn at random.
    """
    rng = generator(name + "/cotangents")
    constants = constants or {}
    cotangents = dict(cotangents or {})
    leaves = {key: leaf(value) for key, value in inputs.items()}
    outputs = forward(**leaves, **constants)
    total = torch.zeros((), dtype=torch.float64)
    for key, output in outputs.items():
        cotangent = cotangents.setdefault("d" + key, short(rng.standard_normal(tuple(output.shape))))
        total = total + (output * torch.as_tensor(cotangent, dtype=torch.float64)).sum()
    gradients = torch.autograd.grad(total, list(leaves.values()))
    CASES[name] = {
        "inputs": arrays({**leaves, **constants}),
        "options": options or {},
        "outputs": arrays(outputs),
        "cotangents": arrays(cotangents),
        "gradients": arrays({"d" + key: g for key, g in zip(leaves, gradients)}),
    }


# --- Recurrent layers -------------------------------------------------------------------------


# torch.rnn_tanh and torch.lstm are what nn.RNN and nn.LSTM call with their own parameters; called
# directly they take differentiable ones. The second bias of PyTorch is zero throughout.
# The arguments after the weights: biases, layers, dropout, training, bidirectional, batch first.
SINGLE_LAYER = (True, 1, 0.0, True, False, True)


def rnn_forward(x, h0, Wx, Wh, b):
    """h_t = tanh(x_t Wx + h_{t-1} Wh + b), as nn.RNN computes it."""
    h, _ = torch.rnn_tanh(x, h0[None], (Wx.T, Wh.T, b, torch.zeros_like(b)), *SINGLE_LAYER)
    return {"h": h}


def to_torch_gates(columns):
    """Columns in the order i, f, o, g -> rows in PyTorch's order i, f, g, o."""
    i, f, o, g = columns.chunk(4, dim=-1)
    return torch.cat([i, f, g, o], dim=-1).T if columns.dim() == 2 else torch.cat([i, f, g, o])


def lstm_forward(x, h0, c0, Wx, Wh, b):
    """All hidden states and the last cell state, as nn.LSTM computes them."""
    weights = [to_torch_gates(Wx), to_torch_gates(Wh), to_torch_gates(b), torch.zeros_like(b)]
    h, _, last_c = torch.lstm(x, (h0[None], c0[None]), weights, *SINGLE_LAYER)
    return {"h": h, "cLast": last_c[0]}


def gru_forward(x, h0, Wx, Wh, b, bh):
    """All hidden states, as nn.GRU computes them; its second bias counts for n alone here."""
    inner = torch.cat([torch.zeros(2 * len(bh), dtype=bh.dtype), bh])
    h, _ = torch.gru(x, h0[None], (Wx.T, Wh.T, b, inner), *SINGLE_LAYER)
    return {"h": h}


def recurrent_inputs(name, gates, N, T, D, H, scale):
    rng = generator(name)
    draw = lambda *shape: rng.standard_normal(shape)  # noqa: E731
    inputs = {"x": draw(N, T, D), "h0": draw(N, H)}
    if gates == 4:
        inputs["c0"] = draw(N, H)
    inputs["Wx"] = draw(D, gates * H) * scale / np.sqrt(D)
    inputs["Wh"] = draw(H, gates * H) * scale / np.sqrt(H)
    inputs["b"] = draw(gates * H) * 0.5
    if gates == 3:
        inputs["bh"] = draw(H) * 0.5
    return inputs


RECURRENT = {
    # suffix: (N, T, D, H, weight scale); the last one drives the gates deep into saturation
    "": (3, 5, 7, 5, 1.0),
    "_wide": (2, 4, 9, 17, 1.0),
    "_one_step": (3, 1, 4, 6, 1.0),
    "_one_sample": (1, 6, 5, 3, 1.0),
    "_one_of_all": (1, 1, 1, 1, 1.0),
    "_long": (2, 19, 3, 4, 1.0),
    "_saturated": (2, 4, 5, 3, 25.0),
}

for suffix, (N, T, D, H, scale) in RECURRENT.items():
    options = {"N": N, "T": T, "D": D, "H": H}
    name = "rnn" + suffix
    case(name, recurrent_inputs(name, 1, N, T, D, H, scale), rnn_forward, options)
    name = "lstm" + suffix
    case(name, recurrent_inputs(name, 4, N, T, D, H, scale), lstm_forward, options)
    name = "gru" + suffix
    case(name, recurrent_inputs(name, 3, N, T, D, H, scale), gru_forward, options)

# --- Sequences of different lengths, in one direction and in both ------------------------------
# What lies behind a sequence is random, and so are the cotangents there: neither may count.

CELLS = {"rnn": (torch.rnn_tanh, 1), "lstm": (torch.lstm, 4), "gru": (torch.gru, 3)}


def torch_weights(cell, Wx, Wh, b, bh=None):
    """The weights of one direction as PyTorch's functions take them."""
    if cell == "lstm":
        return [to_torch_gates(Wx), to_torch_gates(Wh), to_torch_gates(b), torch.zeros_like(b)]
    if cell == "gru":
        return [Wx.T, Wh.T, b, torch.cat([torch.zeros(2 * len(bh), dtype=bh.dtype), bh])]
    return [Wx.T, Wh.T, b, torch.zeros_like(b)]


def packed_forward(cell, lengths, x, **directions):
    """All hidden states by pack_padded_sequence, and of an LSTM each direction's last cell states."""
    packed = torch.nn.utils.rnn.pack_padded_sequence(x, lengths, True, enforce_sorted=False)
    names = sorted({key.split("_")[1] for key in directions if "_" in key}, reverse=True) or [""]
    suffixes = ["_" + name if name else "" for name in names]
    state = lambda key: torch.stack([directions[key + s] for s in suffixes])[:, packed.sorted_indices]  # noqa: E731
    keys = ["Wx", "Wh", "b"] + (["bh"] if cell == "gru" else [])
    weights = [w for s in suffixes for w in torch_weights(cell, **{key: directions[key + s] for key in keys})]
    hx = (state("h0"), state("c0")) if cell == "lstm" else state("h0")
    run = (True, 1, 0.0, True, len(suffixes) == 2)
    data, *last = CELLS[cell][0](packed.data, packed.batch_sizes, hx, weights, *run)
    rows = torch.nn.utils.rnn.PackedSequence(data, packed.batch_sizes, packed.sorted_indices, packed.unsorted_indices)
    h, _ = torch.nn.utils.rnn.pad_packed_sequence(rows, True, 0.0, x.shape[1])
    cells = {"cLast" + s: c[packed.unsorted_indices] for s, c in zip(suffixes, last[1])} if cell == "lstm" else {}
    return {"h": h, **cells}


def lengths_case(cell, suffix, N, T, D, H, lengths, both):
    name = ("both_" if both else "") + cell + "_lengths" + suffix
    inputs = recurrent_inputs(name, CELLS[cell][1], N, T, D, H, 1.0)
    if both:
        backward = recurrent_inputs(name + "/backward", CELLS[cell][1], N, T, D, H, 1.0)
        x = inputs.pop("x")
        inputs = {key + "_forward": value for key, value in inputs.items()}
        inputs.update({key + "_backward": value for key, value in backward.items() if key != "x"})
        inputs["x"] = x
    options = {"N": N, "T": T, "D": D, "H": H, "lengths": lengths}
    case(name, inputs, lambda **all: packed_forward(cell, lengths, **all), options)


for cell in CELLS:
    lengths_case(cell, "", 4, 5, 3, 4, [2, 5, 1, 5], False)
    lengths_case(cell, "_all_shorter", 3, 6, 2, 3, [3, 1, 2], False)
    lengths_case(cell, "_one_sample", 1, 4, 3, 2, [3], False)
    lengths_case(cell, "", 4, 5, 3, 4, [2, 5, 1, 5], True)
    lengths_case(cell, "_one_step", 3, 1, 2, 5, [1, 1, 1], True)
    lengths_case(cell, "_one_sample", 1, 4, 3, 2, [3], True)

# Only the last cell state, or only the hidden states, receive a gradient.
inputs = recurrent_inputs("lstm_cell_only", 4, 2, 3, 4, 5, 1.0)
options = {"N": 2, "T": 3, "D": 4, "H": 5}
case("lstm_cell_only", inputs, lstm_forward, options, cotangents={"dh": np.zeros((2, 3, 5))})
case("lstm_hidden_only", inputs, lstm_forward, options, cotangents={"dcLast": np.zeros((2, 5))})


# --- Affine, embedding, relu ------------------------------------------------------------------


def affine_forward(x, W, b):
    """y = x W + b over the last axis, by nn.functional.linear."""
    return {"y": F.linear(x, W.T, b)}


def flattening_affine_forward(x, W, b):
    """The course's affine layer: every axis but the first is flattened."""
    return {"y": F.linear(x.flatten(1), W.T, b)}


def affine_case(name, shape, M, forward, D):
    rng = generator(name)
    case(
        name,
        {
            "x": rng.standard_normal(shape),
            "W": rng.standard_normal((D, M)) / np.sqrt(D),
            "b": rng.standard_normal(M),
        },
        forward,
    )


affine_case("affine", (5, 7), 3, affine_forward, 7)
affine_case("affine_one_sample", (1, 9), 5, affine_forward, 9)
affine_case("affine_one_of_all", (1, 1), 1, affine_forward, 1)
affine_case("affine_flattening", (3, 2, 3, 2), 5, flattening_affine_forward, 12)
affine_case("temporal_affine", (3, 5, 7), 11, affine_forward, 7)
affine_case("temporal_affine_one_step", (2, 1, 3), 4, affine_forward, 3)


def embedding_case(name, words, V, D):
    words = np.array(words, dtype=np.int64)
    case(
        name,
        {"W": generator(name).standard_normal((V, D))},
        lambda W, words: {"y": F.embedding(torch.as_tensor(words), W)},
        {"V": V, "D": D},
        constants={"words": words},
    )


# Words 0 (padding: an ordinary row here), 2 and 6 repeat within a row and across rows; 3 never occurs.
embedding_case("word_embedding", [[1, 2, 2, 0, 0], [6, 6, 6, 6, 6], [5, 2, 4, 1, 0]], 7, 3)
embedding_case("word_embedding_one_word", [[4]], 5, 6)

x = generator("relu").standard_normal((3, 4, 5))
x.reshape(-1)[[0, 17, 59]] = 0.0  # the derivative at exactly 0 is taken as 0
case("relu", {"x": x}, lambda x: {"y": F.relu(x)})


# --- Temporal softmax loss --------------------------------------------------------------------


def temporal_softmax_forward(x, targets, mask):
    """-sum over n, t of mask * log softmax(x)[target], divided by N (not by the mask's sum)."""
    N, T, V = x.shape
    losses = F.cross_entropy(x.reshape(N * T, V), torch.as_tensor(targets).reshape(-1), reduction="none")
    return {"loss": (losses * torch.as_tensor(mask).reshape(-1)).sum() / N}


def softmax_case(name, N, T, V, mask, scale=1.0, dloss=1.0):
    rng = generator(name)
    mask = np.broadcast_to(np.array(mask, dtype=np.int64), (N, T)).copy()
    case(
        name,
        {"x": rng.standard_normal((N, T, V)) * scale},
        temporal_softmax_forward,
        {"N": N, "T": T, "V": V},
        constants={"targets": rng.integers(0, V, (N, T)), "mask": mask},
        cotangents={"dloss": np.float64(dloss)},
    )


ragged = [[1, 1, 1, 0, 0], [1, 1, 1, 1, 1], [1, 0, 0, 0, 0]]
softmax_case("temporal_softmax", 3, 5, 11, ragged)
softmax_case("temporal_softmax_scaled", 3, 5, 7, ragged, dloss=-1.75)
softmax_case("temporal_softmax_unmasked", 2, 3, 5, 1)
softmax_case("temporal_softmax_holes", 2, 4, 6, [[0, 1, 0, 1], [1, 0, 0, 0]])
softmax_case("temporal_softmax_all_masked", 2, 3, 5, 0)
softmax_case("temporal_softmax_one_row_masked", 2, 3, 5, [[0, 0, 0], [1, 1, 0]])
softmax_case("temporal_softmax_one_of_all", 1, 1, 1, 1)
softmax_case("temporal_softmax_large_logits", 2, 3, 7, 1, scale=800.0)


# --- The same with label smoothing and a weight for each caption ------------------------------


def smoothed_softmax_forward(epsilon):
    """nn.functional.cross_entropy(label_smoothing=epsilon), weighted by caption, divided by N."""

    def forward(x, targets, mask, weights):
        N, T, V = x.shape
        losses = F.cross_entropy(
            x.reshape(N * T, V),
            torch.as_tensor(targets).reshape(-1),
            reduction="none",
            label_smoothing=epsilon,
        )
        weighted = losses.reshape(N, T) * torch.as_tensor(mask) * torch.as_tensor(weights)[:, None]
        return {"loss": weighted.sum() / N}

    return forward


def smoothed_case(name, N, T, V, mask, epsilon, weights, scale=1.0):
    rng = generator(name)
    case(
        name,
        {"x": rng.standard_normal((N, T, V)) * scale},
        smoothed_softmax_forward(epsilon),
        {"labelSmoothing": epsilon},
        constants={
            "targets": rng.integers(0, V, (N, T)),
            "mask": np.broadcast_to(np.array(mask, dtype=np.int64), (N, T)).copy(),
            "weights": np.array(weights, dtype=np.float64),
        },
        cotangents={"dloss": np.float64(-1.25)},
    )


smoothed_case("smoothed_softmax", 3, 5, 11, ragged, 0.1, [1, 1, 1])
smoothed_case("smoothed_softmax_weighted", 3, 5, 7, ragged, 0.2, [0.5, -1.75, 0])
smoothed_case("smoothed_softmax_weights_only", 2, 3, 6, 1, 0.0, [-0.25, 3])
smoothed_case("smoothed_softmax_large_logits", 2, 3, 7, 1, 0.3, [2, -1], scale=800.0)


# --- Convolution and pooling ------------------------------------------------------------------


def conv_case(name, N, C, size, filters, kernel, stride, padding):
    rng = generator(name)
    fan_in = C * kernel[0] * kernel[1]
    case(
        name,
        {
            "x": rng.standard_normal((N, C, *size)),
            "W": rng.standard_normal((filters, C, *kernel)) / np.sqrt(fan_in),
            "b": rng.standard_normal(filters),
        },
        lambda x, W, b: {"y": F.conv2d(x, W, b, stride=stride, padding=padding)},
        {"kernel": list(kernel), "stride": list(stride), "padding": list(padding)},
    )


conv_case("conv2d_3x3_pad1", 2, 3, (7, 5), 4, (3, 3), (1, 1), (1, 1))
conv_case("conv2d_3x3_stride2", 2, 2, (8, 7), 3, (3, 3), (2, 2), (0, 0))
conv_case("conv2d_3x3_stride2_pad1", 1, 3, (7, 9), 2, (3, 3), (2, 2), (1, 1))
conv_case("conv2d_7x7_stride2", 1, 3, (13, 15), 2, (7, 7), (2, 2), (0, 0))
conv_case("conv2d_5x5_stride3_pad2", 2, 1, (11, 9), 2, (5, 5), (3, 3), (2, 2))
conv_case("conv2d_1x1", 2, 5, (4, 3), 7, (1, 1), (1, 1), (0, 0))
conv_case("conv2d_1x1_stride2", 1, 3, (5, 6), 2, (1, 1), (2, 2), (0, 0))
conv_case("conv2d_1x1_pad1", 1, 2, (3, 3), 2, (1, 1), (1, 1), (1, 1))
conv_case("conv2d_3x2_stride1x2_pad1x0", 2, 2, (5, 6), 3, (3, 2), (1, 2), (1, 0))
conv_case("conv2d_kernel_is_image", 2, 2, (4, 3), 3, (4, 3), (1, 1), (0, 0))
conv_case("conv2d_one_of_all", 1, 1, (1, 1), 1, (1, 1), (1, 1), (0, 0))


def max_pool_case(name, N, C, size, kernel, stride, padding=0, ceil_mode=False):
    case(
        name,
        {"x": generator(name).standard_normal((N, C, *size))},
        lambda x: {"y": F.max_pool2d(x, kernel, stride, padding, ceil_mode=ceil_mode)},
        {"kernel": kernel, "stride": stride, "padding": padding, "ceilMode": ceil_mode},
    )


def average_pool_case(name, N, C, size, kernel, stride):
    case(
        name,
        {"x": generator(name).standard_normal((N, C, *size))},
        lambda x: {"y": F.avg_pool2d(x, kernel, stride)},
        {"kernel": kernel, "stride": stride, "padding": 0, "ceilMode": False},
    )


max_pool_case("max_pool_k3s2_ceil", 2, 3, (8, 6), 3, 2, ceil_mode=True)
max_pool_case("max_pool_k3s2_floor", 2, 3, (8, 6), 3, 2)
max_pool_case("max_pool_k3s2_ceil_odd", 1, 2, (7, 9), 3, 2, ceil_mode=True)
max_pool_case("max_pool_k3s2_floor_odd", 1, 2, (7, 9), 3, 2)
max_pool_case("max_pool_k2s2", 2, 2, (6, 4), 2, 2)
max_pool_case("max_pool_k2s2_ceil", 1, 2, (5, 7), 2, 2, ceil_mode=True)
# Rounding up would start a window outside the image here: such a window is dropped.
max_pool_case("max_pool_k1s3_ceil", 1, 1, (5, 4), 1, 3, ceil_mode=True)
max_pool_case("max_pool_k3s2_pad1", 1, 2, (7, 6), 3, 2, padding=1)
max_pool_case("max_pool_k3s2_pad1_ceil", 1, 2, (8, 6), 3, 2, padding=1, ceil_mode=True)
max_pool_case("max_pool_k3s1", 1, 2, (5, 5), 3, 1)
average_pool_case("average_pool_k2s2", 2, 3, (6, 4), 2, 2)
average_pool_case("average_pool_k3s2", 1, 2, (7, 8), 3, 2)
average_pool_case("average_pool_k3s1", 1, 2, (5, 4), 3, 1)
average_pool_case("average_pool_global", 2, 3, (5, 5), 5, 5)

write_fixture("recurrent.json", CASES)
