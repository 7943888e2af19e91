"""Writes test/fixtures/convnets.json: the layers of convolution networks, forward and backward, by
PyTorch in float64 (12 digits kept).

    python3 tools/reference/convnets.py [--keep]

Every gradient belongs to the scalar  sum over outputs of <cotangent, output>.
"""

import numpy as np
import torch
from torch.nn import functional as F

from fixture import generator, gradient_case, write_fixture

torch.set_num_threads(1)
CASES = {}


def case(name, inputs, forward, options=None, constants=None):
    CASES[name] = gradient_case(name, inputs, forward, options, constants, digits=12)


# --- Convolution ------------------------------------------------------------------------------


def conv_case(name, N, C, size, filters, kernel, stride=(1, 1), padding=(0, 0, 0, 0), dilation=(1, 1), groups=1):
    """`padding` is (top, bottom, left, right)."""
    rng = generator(name)
    top, bottom, left, right = padding
    case(
        name,
        {
            "x": rng.standard_normal((N, C, *size)),
            "W": rng.standard_normal((filters, C // groups, *kernel)) * 0.5,
            "b": rng.standard_normal(filters),
        },
        lambda x, W, b: {
            "y": F.conv2d(F.pad(x, (left, right, top, bottom)), W, b, stride, 0, dilation, groups)
        },
        {
            "stride": list(stride),
            "padding": {"top": top, "bottom": bottom, "left": left, "right": right},
            "dilation": list(dilation),
            "groups": groups,
        },
    )


conv_case("conv2d_asymmetric", 2, 2, (5, 4), 3, (3, 3), padding=(0, 2, 1, 0))
conv_case("conv2d_asymmetric_stride", 1, 2, (5, 7), 2, (2, 4), (2, 3), (1, 0, 0, 3))
conv_case("conv2d_dilated", 1, 2, (7, 8), 2, (3, 2), dilation=(2, 3))
conv_case("conv2d_dilated_stride_pad", 2, 1, (6, 5), 2, (3, 3), (2, 1), (2, 2, 3, 1), (2, 2))
conv_case("conv2d_groups", 2, 4, (4, 5), 6, (3, 3), padding=(1, 1, 1, 1), groups=2)
conv_case("conv2d_groups_1x1", 1, 6, (3, 3), 3, (1, 1), groups=3)
conv_case("conv2d_depthwise", 2, 5, (4, 4), 5, (3, 3), (2, 2), (1, 1, 1, 1), groups=5)
conv_case("conv2d_depthwise_multiplied", 1, 3, (5, 4), 6, (3, 2), dilation=(2, 1), groups=3)
conv_case("conv2d_kernel_beyond_image", 1, 2, (2, 1), 2, (5, 4), padding=(2, 2, 1, 3))
conv_case("conv2d_stride_beyond_kernel", 2, 1, (7, 8), 2, (2, 1), (3, 4))
conv_case("conv2d_one_pixel", 1, 3, (1, 1), 2, (3, 3), padding=(1, 1, 1, 1))


def transposed_case(name, N, C, size, filters, kernel, stride=(1, 1), padding=(0, 0), dilation=(1, 1), output_padding=(0, 0), groups=1):
    rng = generator(name)
    case(
        name,
        {
            "x": rng.standard_normal((N, C, *size)),
            "W": rng.standard_normal((C, filters // groups, *kernel)) * 0.5,
            "b": rng.standard_normal(filters),
        },
        lambda x, W, b: {"y": F.conv_transpose2d(x, W, b, stride, padding, output_padding, groups, dilation)},
        {
            "stride": list(stride),
            "padding": list(padding),
            "dilation": list(dilation),
            "outputPadding": list(output_padding),
            "groups": groups,
        },
    )


transposed_case("transposed_plain", 2, 3, (3, 4), 2, (3, 3))
transposed_case("transposed_stride_pad", 2, 2, (3, 3), 3, (4, 4), (2, 2), (1, 1))
transposed_case("transposed_output_padding", 1, 2, (3, 2), 2, (3, 3), (2, 3), (1, 1), output_padding=(1, 2))
transposed_case("transposed_dilated", 1, 2, (3, 3), 2, (2, 3), (1, 2), (1, 0), (3, 2), (2, 1))
transposed_case("transposed_groups", 2, 4, (2, 3), 6, (3, 2), (2, 1), (0, 1), groups=2)
transposed_case("transposed_depthwise", 1, 3, (3, 3), 3, (2, 2), (2, 2), groups=3)
transposed_case("transposed_1x1", 2, 3, (2, 3), 2, (1, 1))
transposed_case("transposed_1x1_output_padding", 1, 2, (2, 2), 3, (1, 1), dilation=(2, 2), output_padding=(1, 0))
transposed_case("transposed_stride_beyond_kernel", 1, 2, (2, 2), 1, (1, 2), (3, 3), output_padding=(0, 2))
transposed_case("transposed_one_pixel", 1, 2, (1, 1), 3, (3, 3), (2, 2), (1, 1))
transposed_case("transposed_pads_all_but_one", 1, 1, (2, 2), 1, (3, 3), padding=(1, 1))


# --- Pooling ----------------------------------------------------------------------------------


def pool_options(kernel, stride, padding, ceil_mode):
    return {"kernel": list(kernel), "stride": list(stride), "padding": list(padding), "ceilMode": ceil_mode}


def max_pool_case(name, shape, kernel, stride, padding=(0, 0), ceil_mode=False):
    """Values of one decimal between -1 and 0: many ties, and below what zero padding would put there."""
    x = np.round(generator(name).uniform(-1, 0, shape), 1)
    case(
        name,
        {"x": x},
        lambda x: {"y": F.max_pool2d(x, kernel, stride, padding, ceil_mode=ceil_mode)},
        pool_options(kernel, stride, padding, ceil_mode),
    )


max_pool_case("max_pool_ties", (2, 3, 6, 5), (3, 3), (1, 1), (1, 1))
max_pool_case("max_pool_ties_ceil", (1, 2, 6, 7), (3, 2), (2, 2), (1, 1), True)
max_pool_case("max_pool_one_pixel", (1, 2, 1, 1), (2, 2), (1, 1), (1, 1))
max_pool_case("max_pool_kernel_beyond_image", (1, 1, 2, 3), (4, 4), (2, 2), (2, 2))
max_pool_case("max_pool_stride_beyond_kernel", (1, 1, 7, 9), (2, 1), (3, 4), ceil_mode=True)


def average_pool_case(name, shape, kernel, stride, padding=(0, 0), ceil_mode=False, count_padding=True):
    case(
        name,
        {"x": generator(name).standard_normal(shape)},
        lambda x: {"y": F.avg_pool2d(x, kernel, stride, padding, ceil_mode, count_padding)},
        {**pool_options(kernel, stride, padding, ceil_mode), "countPadding": count_padding},
    )


for count in (True, False):
    suffix = "" if count else "_without_padding"
    average_pool_case("average_pool_pad" + suffix, (2, 2, 5, 4), (3, 3), (2, 1), (1, 1), False, count)
    average_pool_case("average_pool_pad_ceil" + suffix, (1, 2, 6, 7), (3, 2), (2, 2), (1, 1), True, count)
    average_pool_case("average_pool_one_pixel" + suffix, (1, 2, 1, 1), (3, 3), (1, 1), (1, 1), False, count)
average_pool_case("average_pool_stride_beyond_kernel", (1, 1, 7, 8), (2, 1), (3, 4), ceil_mode=True)


def adaptive_case(name, shape, extent):
    case(
        name,
        {"x": generator(name).standard_normal(shape)},
        lambda x: {"y": F.adaptive_avg_pool2d(x, extent)},
        {"extent": list(extent)},
    )


adaptive_case("adaptive_uneven", (2, 2, 7, 5), (3, 2))
adaptive_case("adaptive_even", (1, 2, 6, 4), (3, 2))
adaptive_case("adaptive_larger", (1, 1, 2, 3), (5, 4))
adaptive_case("adaptive_same", (1, 2, 3, 3), (3, 3))
adaptive_case("adaptive_global", (2, 3, 4, 5), (1, 1))


# --- Pooling of clips -------------------------------------------------------------------------
# Extents are [time, vertical, horizontal].


def max_pool3d_case(name, shape, kernel, stride, padding=(0, 0, 0), ceil_mode=False):
    """As max_pool_case: many ties, and values below what zero padding would put there."""
    x = np.round(generator(name).uniform(-1, 0, shape), 1)
    case(
        name,
        {"x": x},
        lambda x: {"y": F.max_pool3d(x, kernel, stride, padding, ceil_mode=ceil_mode)},
        pool_options(kernel, stride, padding, ceil_mode),
    )


max_pool3d_case("max_pool3d", (2, 2, 4, 4, 6), (2, 2, 2), (2, 2, 2))
max_pool3d_case("max_pool3d_first_of_c3d", (1, 2, 3, 4, 4), (1, 2, 2), (1, 2, 2))
max_pool3d_case("max_pool3d_overlapping", (1, 2, 5, 6, 5), (3, 3, 2), (1, 1, 1), (1, 1, 1))
max_pool3d_case("max_pool3d_ceil", (1, 1, 5, 6, 7), (2, 3, 2), (2, 2, 2), (1, 1, 1), True)
max_pool3d_case("max_pool3d_one_voxel", (1, 2, 1, 1, 1), (2, 2, 2), (1, 1, 1), (1, 1, 1))
max_pool3d_case("max_pool3d_stride_beyond_kernel", (2, 1, 7, 5, 9), (2, 1, 1), (3, 4, 4), ceil_mode=True)


def average_pool3d_case(name, shape, kernel, stride, padding=(0, 0, 0), ceil_mode=False, count_padding=True):
    case(
        name,
        {"x": generator(name).standard_normal(shape)},
        lambda x: {"y": F.avg_pool3d(x, kernel, stride, padding, ceil_mode, count_padding)},
        {**pool_options(kernel, stride, padding, ceil_mode), "countPadding": count_padding},
    )


for count in (True, False):
    suffix = "" if count else "_without_padding"
    average_pool3d_case("average_pool3d_pad" + suffix, (2, 2, 4, 5, 4), (3, 3, 2), (2, 1, 2), (1, 1, 1), False, count)
    average_pool3d_case("average_pool3d_pad_ceil" + suffix, (1, 1, 5, 6, 7), (2, 3, 2), (2, 2, 2), (1, 1, 1), True, count)
average_pool3d_case("average_pool3d", (1, 3, 4, 4, 6), (2, 2, 2), (2, 2, 2))
average_pool3d_case("average_pool3d_stride_beyond_kernel", (1, 1, 7, 5, 8), (2, 1, 3), (3, 4, 4), ceil_mode=True)


def adaptive3d_case(name, shape, extent):
    case(
        name,
        {"x": generator(name).standard_normal(shape)},
        lambda x: {"y": F.adaptive_avg_pool3d(x, extent)},
        {"extent": list(extent)},
    )


adaptive3d_case("adaptive3d_uneven", (2, 2, 5, 7, 4), (2, 3, 3))
adaptive3d_case("adaptive3d_larger", (1, 1, 2, 3, 2), (3, 5, 4))
adaptive3d_case("adaptive3d_global", (2, 3, 3, 4, 5), (1, 1, 1))


# --- Norms ------------------------------------------------------------------------------------


def batch_norm_case(name, shape, training, momentum=0.1, epsilon=1e-5, offset=0.0):
    """The running statistics afterwards are filed among the options."""
    rng = generator(name)
    C = shape[1]
    mean = np.round(rng.standard_normal(C), 4)
    variance = np.round(rng.uniform(0.5, 2, C), 4)
    options = {"training": training, "momentum": momentum, "epsilon": epsilon}
    after = {}

    def forward(x, gain, bias, mean, variance):
        after["mean"], after["variance"] = mean.clone(), variance.clone()
        return {"out": F.batch_norm(x, after["mean"], after["variance"], gain, bias, training, momentum, epsilon)}

    case(
        name,
        {
            "x": rng.standard_normal(shape) * 2 + offset,
            "gain": rng.standard_normal(C),
            "bias": rng.standard_normal(C),
        },
        forward,
        options,
        {"mean": mean, "variance": variance},
    )
    options["after"] = {key: value.tolist() for key, value in after.items()}


batch_norm_case("batch_norm", (3, 4, 3, 2), True)
batch_norm_case("batch_norm_eval", (3, 4, 3, 2), False)
batch_norm_case("batch_norm_rows", (5, 3), True, momentum=0.7, epsilon=0.1)
batch_norm_case("batch_norm_one_image", (1, 2, 3, 3), True, offset=30.0)
batch_norm_case("batch_norm_one_pixel", (4, 5, 1, 1), True)
batch_norm_case("batch_norm_two_values", (2, 3, 1, 1), True, momentum=1.0)
batch_norm_case("batch_norm_eval_one_value", (1, 3, 1, 1), False)
batch_norm_case("batch_norm_clips", (2, 3, 3, 4, 2), True)
batch_norm_case("batch_norm_clips_eval", (2, 3, 3, 2, 4), False)
batch_norm_case("batch_norm_one_clip", (1, 2, 5, 1, 1), True, momentum=0.3, offset=20.0)


def group_norm_case(name, shape, groups, epsilon=1e-5):
    rng = generator(name)
    C = shape[1]
    inputs = {
        "x": rng.standard_normal(shape) * 2 + 1,
        "gain": rng.standard_normal(C),
        "bias": rng.standard_normal(C),
    }
    forward = lambda x, gain, bias: {"out": F.group_norm(x, groups, gain, bias, epsilon)}
    case(name, inputs, forward, {"groups": groups, "epsilon": epsilon})


group_norm_case("group_norm", (2, 6, 3, 2), 3)
group_norm_case("group_norm_one_group", (1, 5, 2, 2), 1, 0.1)
group_norm_case("group_norm_each_channel", (2, 3, 4, 3), 3)
group_norm_case("group_norm_rows", (3, 8), 2)
group_norm_case("group_norm_clips", (2, 4, 3, 2, 3), 2)


def instance_norm_case(name, shape, epsilon=1e-5):
    rng = generator(name)
    C = shape[1]
    inputs = {
        "x": rng.standard_normal(shape) * 2 + 1,
        "gain": rng.standard_normal(C),
        "bias": rng.standard_normal(C),
    }
    forward = lambda x, gain, bias: {"out": F.instance_norm(x, None, None, gain, bias, True, 0.1, epsilon)}
    case(name, inputs, forward, {"epsilon": epsilon})


instance_norm_case("instance_norm", (2, 3, 4, 3))
instance_norm_case("instance_norm_one_image", (1, 2, 1, 5), 0.1)
instance_norm_case("instance_norm_clips", (2, 3, 3, 2, 2))


# --- Activations ------------------------------------------------------------------------------


def activation_case(name, forward, options=None, spread=3.0):
    """Values on both sides, zero and some far ones among them."""
    x = generator(name).standard_normal((3, 7)) * spread
    x[0, :5] = [0, -0.5, 0.5, -14, 14]
    case(name, {"x": x}, lambda x: {"out": forward(x)}, options)


activation_case("leaky_relu", F.leaky_relu, {"slope": 0.01})
activation_case("leaky_relu_slope", lambda x: F.leaky_relu(x, 0.3), {"slope": 0.3})
activation_case("elu", F.elu, {"alpha": 1})
activation_case("elu_alpha", lambda x: F.elu(x, 0.4), {"alpha": 0.4})
activation_case("gelu", F.gelu, {"approximation": "none"})
activation_case("gelu_tanh", lambda x: F.gelu(x, approximate="tanh"), {"approximation": "tanh"})
activation_case("softplus", F.softplus, {"beta": 1})
activation_case("softplus_beta", lambda x: F.softplus(x, 1.3), {"beta": 1.3})


# --- Losses -----------------------------------------------------------------------------------


def softmax_loss_case(name, N, K, smoothing=0.0, spread=2.0):
    rng = generator(name)
    case(
        name,
        {"x": rng.standard_normal((N, K)) * spread},
        lambda x, targets: {"loss": F.cross_entropy(x, targets, label_smoothing=smoothing)},
        {"labelSmoothing": smoothing},
        {"targets": rng.integers(0, K, N)},
    )


softmax_loss_case("softmax_loss", 5, 7)
softmax_loss_case("softmax_loss_smoothed", 3, 10, 0.1)
softmax_loss_case("softmax_loss_one", 1, 2)
softmax_loss_case("softmax_loss_far", 4, 3, 0.2, 300.0)


def squared_error_case(name, shape):
    rng = generator(name)
    case(
        name,
        {"x": rng.standard_normal(shape), "y": rng.standard_normal(shape)},
        lambda x, y: {"loss": F.mse_loss(x, y)},
    )


squared_error_case("squared_error", (3, 2, 5))
squared_error_case("squared_error_one", (1,))


def binary_case(name, shape, spread=2.0):
    """Targets between 0 and 1, those two among them."""
    rng = generator(name)
    targets = np.clip(np.round(rng.uniform(-0.3, 1.3, shape), 2), 0, 1)
    case(
        name,
        {"x": rng.standard_normal(shape) * spread},
        lambda x, targets: {"loss": F.binary_cross_entropy_with_logits(x, targets)},
        {},
        {"targets": targets},
    )


binary_case("binary_cross_entropy", (4, 5))
binary_case("binary_cross_entropy_far", (3, 3), 300.0)
binary_case("binary_cross_entropy_one", (1,))


# --- Larger images ----------------------------------------------------------------------------


def upsample_case(name, shape, extent, mode, align=None):
    case(
        name,
        {"x": generator(name).standard_normal(shape)},
        lambda x: {"y": F.interpolate(x, size=extent, mode=mode, align_corners=align)},
        {"extent": list(extent), **({} if align is None else {"alignCorners": align})},
    )


upsample_case("nearest_twice", (2, 2, 3, 2), (6, 4), "nearest")
upsample_case("nearest_uneven", (1, 2, 3, 5), (7, 8), "nearest")
upsample_case("nearest_smaller", (1, 1, 6, 5), (4, 2), "nearest")
upsample_case("nearest_one_pixel", (1, 3, 1, 1), (2, 3), "nearest")
for align in (False, True):
    suffix = "_corners" if align else ""
    upsample_case("bilinear_twice" + suffix, (2, 2, 3, 2), (6, 4), "bilinear", align)
    upsample_case("bilinear_uneven" + suffix, (1, 2, 3, 5), (7, 8), "bilinear", align)
    upsample_case("bilinear_smaller" + suffix, (1, 1, 6, 5), (4, 1), "bilinear", align)
    upsample_case("bilinear_one_pixel" + suffix, (1, 3, 1, 1), (2, 3), "bilinear", align)

write_fixture("convnets.json", CASES)
