"""Writes test/fixtures/convolution3d.json: convolutions over clips, forward and backward, by PyTorch in
float64 (12 digits kept).

    python3 tools/reference/convolution3d.py [--keep]

Every gradient belongs to the scalar  <cotangent, y>.
"""

import torch
from torch.nn import functional as F

from fixture import generator, gradient_case, write_fixture

torch.set_num_threads(1)
CASES = {}
ONE, NONE = (1, 1, 1), (0, 0, 0)


def conv_case(name, N, C, size, filters, kernel, stride=ONE, padding=(0,) * 6, dilation=ONE, groups=1):
    """`padding` is (before, after, top, bottom, left, right)."""
    rng = generator(name)
    before, after, top, bottom, left, right = padding
    CASES[name] = gradient_case(
        name,
        {
            "x": rng.standard_normal((N, C, *size)),
            "W": rng.standard_normal((filters, C // groups, *kernel)) * 0.5,
            "b": rng.standard_normal(filters),
        },
        lambda x, W, b: {
            "y": F.conv3d(
                F.pad(x, (left, right, top, bottom, before, after)), W, b, stride, 0, dilation, groups
            )
        },
        {
            "stride": list(stride),
            "padding": {
                "before": before, "after": after, "top": top, "bottom": bottom, "left": left, "right": right,
            },
            "dilation": list(dilation),
            "groups": groups,
        },
        digits=12,
    )


conv_case("conv3d_3x3x3_pad1", 2, 3, (4, 5, 3), 2, (3, 3, 3), padding=(1,) * 6)
conv_case("conv3d_stride", 1, 2, (5, 6, 5), 3, (3, 2, 3), (2, 1, 2))
conv_case("conv3d_asymmetric", 2, 2, (3, 3, 4), 2, (2, 3, 2), padding=(2, 0, 0, 1, 3, 1))
conv_case("conv3d_asymmetric_stride", 1, 2, (4, 5, 3), 2, (3, 2, 2), (3, 2, 1), (1, 2, 0, 3, 1, 0))
conv_case("conv3d_dilated", 1, 2, (5, 4, 5), 2, (2, 2, 3), dilation=(3, 2, 1))
conv_case("conv3d_dilated_stride_pad", 1, 1, (5, 4, 6), 2, (3, 2, 2), (2, 2, 1), (2, 1, 0, 1, 1, 2), (2, 1, 3))
conv_case("conv3d_groups", 1, 4, (3, 3, 3), 6, (2, 2, 2), padding=(1,) * 6, groups=2)
conv_case("conv3d_depthwise", 1, 3, (4, 4, 3), 3, (3, 3, 3), (1, 2, 1), (1,) * 6, groups=3)
conv_case("conv3d_depthwise_multiplied", 1, 2, (3, 4, 4), 6, (2, 3, 2), groups=2)
conv_case("conv3d_one_channel", 2, 1, (4, 6, 5), 2, (3, 4, 3))
conv_case("conv3d_1x3x3", 1, 2, (3, 4, 5), 3, (1, 3, 3), padding=(0, 0, 1, 1, 1, 1))
conv_case("conv3d_1x3x3_time_pad_stride", 1, 2, (3, 4, 3), 2, (1, 3, 3), (2, 1, 1), (1, 2, 1, 1, 1, 1))
conv_case("conv3d_3x1x1", 2, 3, (5, 2, 3), 2, (3, 1, 1), padding=(1, 1, 0, 0, 0, 0))
conv_case("conv3d_3x1x1_stride_dilated", 1, 2, (7, 2, 2), 3, (3, 1, 1), (2, 1, 1), (2, 1, 0, 0, 0, 0), (2, 1, 1))
conv_case("conv3d_1x1x1", 2, 3, (2, 3, 2), 4, ONE)
conv_case("conv3d_1x1x1_stride", 1, 3, (4, 3, 5), 2, ONE, (2, 2, 2))
conv_case("conv3d_1x1x1_pad", 1, 2, (2, 2, 3), 2, ONE, padding=(1, 0, 0, 1, 1, 1))
conv_case("conv3d_kernel_is_clip", 2, 2, (3, 2, 4), 3, (3, 2, 4))
conv_case("conv3d_kernel_beyond_clip", 1, 2, (2, 1, 2), 2, (4, 3, 3), padding=(1, 2, 1, 1, 0, 1))
conv_case("conv3d_stride_beyond_kernel", 1, 1, (7, 5, 6), 2, (2, 1, 1), (4, 3, 2))
conv_case("conv3d_one_of_all", 1, 1, ONE, 1, ONE)


def transposed_case(name, N, C, size, filters, kernel, stride=ONE, padding=NONE, dilation=ONE, output_padding=NONE, groups=1):
    rng = generator(name)
    CASES[name] = gradient_case(
        name,
        {
            "x": rng.standard_normal((N, C, *size)),
            "W": rng.standard_normal((C, filters // groups, *kernel)) * 0.5,
            "b": rng.standard_normal(filters),
        },
        lambda x, W, b: {"y": F.conv_transpose3d(x, W, b, stride, padding, output_padding, groups, dilation)},
        {
            "stride": list(stride),
            "padding": list(padding),
            "dilation": list(dilation),
            "outputPadding": list(output_padding),
            "groups": groups,
        },
        digits=12,
    )


transposed_case("transposed3d_plain", 2, 2, (2, 3, 2), 2, (2, 3, 2))
transposed_case("transposed3d_3x3x3_pad1", 1, 2, (3, 4, 3), 3, (3, 3, 3), padding=ONE)
transposed_case("transposed3d_stride_pad", 1, 2, (2, 3, 2), 2, (4, 3, 2), (2, 2, 3), (1, 1, 0))
transposed_case("transposed3d_output_padding", 1, 2, (2, 2, 3), 2, (3, 2, 3), (2, 3, 2), ONE, output_padding=(1, 2, 0))
transposed_case("transposed3d_dilated", 1, 2, (3, 2, 2), 2, (2, 2, 3), (2, 1, 1), (1, 0, 2), (2, 1, 3), (1, 0, 2))
transposed_case("transposed3d_groups", 1, 4, (2, 2, 2), 6, (2, 3, 2), (1, 2, 1), groups=2)
transposed_case("transposed3d_depthwise", 1, 3, (2, 3, 2), 3, (2, 2, 3), (2, 1, 2), groups=3)
transposed_case("transposed3d_1x3x3", 1, 2, (3, 2, 3), 2, (1, 3, 3), (1, 2, 2), (0, 1, 1))
transposed_case("transposed3d_3x1x1", 2, 2, (2, 3, 2), 3, (3, 1, 1), (2, 1, 1), (1, 0, 0), output_padding=(1, 0, 0))
transposed_case("transposed3d_1x1x1", 1, 3, (2, 2, 3), 2, ONE)
transposed_case("transposed3d_pads_all_but_one", 1, 1, (2, 2, 2), 1, (3, 3, 3), padding=ONE)

write_fixture("convolution3d.json", CASES)
