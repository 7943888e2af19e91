"""The order of an LSTM's gates: ours is i, f, o, g, PyTorch's i, f, g, o."""

import torch


def swap_gates(rows):
    """Rows i, f, o, g <-> i, f, g, o: the same exchange in both directions."""
    i, f, third, fourth = rows.chunk(4)
    return torch.cat([i, f, fourth, third])
