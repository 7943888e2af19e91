"""Writes test/fixtures/video_resnets.json: scores of torchvision's residual networks for clips, two stages of one block, with
weights that follow from a formula, so that no weights need to be stored.

    python3 tools/reference/video_resnets.py [--keep]

Value i of tensor k of the state dict, counters left out, is made of s = sin(0.7 i + k): filters and matrices
s / sqrt(inputs), gains 1 + 0.1 s, biases and means 0.1 s, variances 1 + 0.5 s s.
"""

import torch
from torchvision.models.video.resnet import (
    BasicBlock,
    BasicStem,
    Conv2Plus1D,
    Conv3DNoTemporal,
    Conv3DSimple,
    R2Plus1dStem,
    VideoResNet,
)

from fixture import array, write_fixture

torch.set_num_threads(1)

NETWORKS = {
    "r3d": ([Conv3DSimple] * 4, BasicStem),
    "mc3": ([Conv3DSimple] + [Conv3DNoTemporal] * 3, BasicStem),
    "r2plus1d": ([Conv2Plus1D] * 4, R2Plus1dStem),
}


def formula(k, name, tensor):
    s = torch.sin(0.7 * torch.arange(tensor.numel(), dtype=torch.float64) + k).reshape(tensor.shape)
    if tensor.dim() > 1:
        return s / (tensor.numel() / tensor.shape[0]) ** 0.5
    if name.endswith("running_var"):
        return 1 + 0.5 * s * s
    if name.endswith("weight"):
        return 1 + 0.1 * s
    return 0.1 * s


def scores(kind):
    makers, stem = NETWORKS[kind]
    network = VideoResNet(BasicBlock, makers, [1, 1, 1, 1], stem, num_classes=5)
    network.layer3 = network.layer4 = torch.nn.Identity()
    network.fc = torch.nn.Linear(128, 5)
    network.double().eval()
    names = [name for name in network.state_dict() if not name.endswith("num_batches_tracked")]
    state = network.state_dict()
    network.load_state_dict(
        {**state, **{name: formula(k, name, state[name]) for k, name in enumerate(names)}}
    )
    x = torch.cos(0.3 * torch.arange(3 * 3 * 12 * 14, dtype=torch.float64)).reshape(1, 3, 3, 12, 14)
    with torch.no_grad():
        shapes = {name: list(state[name].shape) for name in names}
    return {"shapes": shapes, "scores": array(network(x), digits=9)}


write_fixture("video_resnets.json", {kind: scores(kind) for kind in NETWORKS})
