"""Writes test/fixtures/squeezenet.json: SqueezeNet 1.0 run by PyTorch in float64.

    python3 tools/reference/squeezenet.py ../shared        (needs python3-pil for the photos)

The argument is a folder with weights/squeezenet1_0.safetensors and
data/flickr8k/Flicker8k_Dataset/. No photo is copied: the fixture names it and holds the SHA-256 of
its decoded pixels, because JPEG decoders may differ by one level. Two inputs are given by
formulas and need no decoder.
"""

import hashlib
import json
import struct
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

from fixture import array, generator, write_fixture

PHOTOS = [
    "2090545563_a4e66ec76b.jpg",
    "3393035454_2d2370ffd4.jpg",
    "3695064885_a6922f06b2.jpg",
    "1000268201_693b08cb0e.jpg",
]
SAMPLED_LAYERS = [0, 2, 3, 5, 7, 9, 12]
SAMPLES = 64
DIGITS = 9
SIZE = 224
MEAN = np.array([0.485, 0.456, 0.406])
STD = np.array([0.229, 0.224, 0.225])


def read_safetensors(path):
    """8 bytes little-endian header length, a JSON header, then the tensors' bytes."""
    content = Path(path).read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        if entry["dtype"] != "F32":
            raise ValueError(f"{path}: {name} is {entry['dtype']}, expected F32")
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        values = np.frombuffer(content[begin:end], dtype="<f4").reshape(entry["shape"])
        tensors[name] = torch.from_numpy(values.astype(np.float64))
    return tensors


class Fire(nn.Module):
    """A 1x1 squeeze, then 1x1 and 3x3 expansions side by side (Iandola et al. 2016)."""

    def __init__(self, inputs, squeeze, expand1x1, expand3x3):
        super().__init__()
        self.squeeze = nn.Conv2d(inputs, squeeze, 1)
        self.expand1x1 = nn.Conv2d(squeeze, expand1x1, 1)
        self.expand3x3 = nn.Conv2d(squeeze, expand3x3, 3, padding=1)

    def forward(self, x):
        x = torch.relu(self.squeeze(x))
        return torch.cat([torch.relu(self.expand1x1(x)), torch.relu(self.expand3x3(x))], dim=1)


class SqueezeNet(nn.Module):
    """Version 1.0, under the parameter names of torchvision."""

    def __init__(self):
        super().__init__()
        pool = lambda: nn.MaxPool2d(3, 2, ceil_mode=True)  # noqa: E731
        self.features = nn.Sequential(
            nn.Conv2d(3, 96, 7, stride=2),
            nn.ReLU(),
            pool(),
            Fire(96, 16, 64, 64),
            Fire(128, 16, 64, 64),
            Fire(128, 32, 128, 128),
            pool(),
            Fire(256, 32, 128, 128),
            Fire(256, 48, 192, 192),
            Fire(384, 48, 192, 192),
            Fire(384, 64, 256, 256),
            pool(),
            Fire(512, 64, 256, 256),
        )
        self.classifier = nn.Sequential(
            nn.Dropout(), nn.Conv2d(512, 1000, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1)
        )

    def forward(self, x):
        """The logits (1,1000) and the output of every entry of `features`."""
        activations = []
        for layer in self.features:
            x = layer(x)
            activations.append(x)
        return self.classifier(x).flatten(1), activations


def normalise(pixels):
    """RGB bytes (224,224,3) -> (1,3,224,224), (x / 255 - mean) / std."""
    return ((pixels / 255.0 - MEAN) / STD).transpose(2, 0, 1)[None]


def sine_input():
    return np.sin(np.arange(3 * SIZE * SIZE) * 0.37).reshape(1, 3, SIZE, SIZE)


def pattern_pixels():
    y, x = np.mgrid[0:SIZE, 0:SIZE]
    channels = [(3 * x + 5 * y) % 256, (7 * x + 2 * y + 50) % 256, (x * y // 16) % 256]
    return np.stack(channels, axis=2).astype(np.uint8)


def describe(model, values, source):
    logits, activations = model(torch.from_numpy(values))
    pooled = activations[-1].mean(dim=(2, 3))[0]
    layers = {}
    for index in SAMPLED_LAYERS:
        activation = activations[index][0]
        flat = activation.reshape(-1)
        picks = np.sort(generator(f"features.{index}").choice(flat.numel(), SAMPLES, replace=False))
        layers[f"features.{index}"] = {
            "shape": list(activation.shape),
            "mean": float(flat.mean()),
            "sumOfSquares": float((flat**2).sum()),
            "indices": array(picks),
            "values": array(flat[torch.from_numpy(picks)], DIGITS),
        }
    return {
        **source,
        "layers": layers,
        "pooled": array(pooled, DIGITS),
        "firstLogits": array(logits[0, :20], DIGITS),
        "topClasses": array(logits[0].argsort(descending=True)[:5]),
        "topLogits": array(logits[0].sort(descending=True).values[:5], DIGITS),
    }


def pixels_source(pixels):
    return {
        "pixelsSha256": hashlib.sha256(pixels.tobytes()).hexdigest(),
        "pixelSums": array(pixels.astype(np.int64).sum(axis=(0, 1))),
    }


@torch.no_grad()
def main(shared):
    model = SqueezeNet().double().eval()
    model.load_state_dict(read_safetensors(shared / "weights" / "squeezenet1_0.safetensors"))
    pattern = pattern_pixels()
    entries = {
        "sine": describe(
            model, sine_input(), {"kind": "input", "formula": "input[i] = sin(0.37 i), i row-major over (1,3,224,224)"}
        ),
        "pattern": describe(
            model,
            normalise(pattern),
            {
                "kind": "pixels",
                "formula": "RGB = (3x+5y, 7x+2y+50, floor(xy/16)), each mod 256; x column, y row",
                **pixels_source(pattern),
            },
        ),
    }
    folder = shared / "data" / "flickr8k" / "Flicker8k_Dataset"
    for name in PHOTOS:
        pixels = np.asarray(Image.open(folder / name).convert("RGB"))
        if pixels.shape != (SIZE, SIZE, 3):
            raise ValueError(f"{name}: pixels are {pixels.shape}, expected {(SIZE, SIZE, 3)}")
        entries[name] = describe(model, normalise(pixels), {"kind": "photo", **pixels_source(pixels)})
    write_fixture("squeezenet.json", entries)


if len(sys.argv) != 2:
    sys.exit(__doc__)
main(Path(sys.argv[1]))
