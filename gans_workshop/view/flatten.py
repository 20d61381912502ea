"""A network as a list of steps and their weights as bytes: all that another program needs to play it."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from gans_workshop.game.images import check
from gans_workshop.game.models import Skip

WEIGHTS = ("linear", "conv", "convTranspose")
KNOWN = "Linear, Conv2d, ConvTranspose2d, BatchNorm, InstanceNorm2d, ReLU, LeakyReLU, Tanh, Sigmoid, Upsample, "
KNOWN += "Flatten, Unflatten, Skip"
LIMIT = 40  # MB of a page: more is too much for mail and for many phones
GREY_LEVEL = 1 / 127.5  # one of 255


def list_steps(layer):
    """List what a layer does, and those inside it in their order, as dicts: its kind, its numbers, weight and bias."""
    if isinstance(layer, nn.Identity | nn.Dropout | nn.Dropout2d):  # which do nothing once the training is over
        return []
    if isinstance(layer, nn.Sequential):
        return [step for inner in layer for step in list_steps(inner)]
    if isinstance(layer, Skip):
        return [{"kind": "keep"}, *list_steps(layer.inside), {"kind": "join"}]
    if isinstance(layer, nn.Linear):
        return [{"kind": "linear", "outputs": layer.out_features, "weight": layer.weight, "bias": layer.bias}]
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d) and _is_plain(layer):
        step = {"kind": "conv", "outputs": layer.out_channels, "weight": layer.weight, "bias": layer.bias}
        step |= {"kernel": layer.kernel_size[0], "stride": layer.stride[0], "padding": layer.padding[0]}
        turned = {"kind": "convTranspose", "extra": layer.output_padding[0]}
        return [step | turned if isinstance(layer, nn.ConvTranspose2d) else step]
    if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d) and layer.running_var is not None:
        weight, bias = (layer.weight, layer.bias) if layer.affine else (1, 0)
        scale = weight / (layer.running_var + layer.eps).sqrt()
        return [{"kind": "scale", "weight": scale, "bias": bias - layer.running_mean * scale}]
    if isinstance(layer, nn.InstanceNorm2d) and not layer.track_running_stats:
        scale = [{"kind": "scale", "weight": layer.weight, "bias": layer.bias}] if layer.affine else []
        return [{"kind": "instance", "eps": layer.eps}, *scale]
    if isinstance(layer, nn.ReLU | nn.LeakyReLU):
        return [{"kind": "relu", "slope": getattr(layer, "negative_slope", 0)}]
    if isinstance(layer, nn.Tanh | nn.Sigmoid | nn.Flatten):
        return [{"kind": type(layer).__name__.lower()}]
    if isinstance(layer, nn.Unflatten):
        return [{"kind": "unflatten", "shape": [*layer.unflattened_size]}]
    if isinstance(layer, nn.Upsample) and layer.mode in ("nearest", "bilinear") and layer.scale_factor in range(1, 9):
        return [{"kind": "upsample", "smooth": layer.mode == "bilinear", "factor": int(layer.scale_factor)}]
    if hasattr(layer, "layers"):
        return list_steps(layer.layers)
    raise ValueError(f"The page cannot draw with this layer, {layer}: it knows {KNOWN}. Build the generator of those.")


def _is_plain(layer):
    """Tell whether windows and strides are square, with a rim of zeros, and each output sees all inputs."""
    numbers = [layer.kernel_size, layer.stride, layer.padding, layer.output_padding]
    square = all(isinstance(pair, tuple) and len({*pair}) == 1 for pair in numbers)
    return square and layer.groups == 1 and {*layer.dilation} == {1} and layer.padding_mode == "zeros"


def fold(steps):
    """Put each batch norm, a scale and a shift for each channel, into the weights before it, where there are some."""
    folded = []
    for step in steps:
        before = folded[-2:] if folded and folded[-1]["kind"] == "unflatten" else folded[-1:]
        if step["kind"] == "scale" and before and before[0]["kind"] in WEIGHTS:
            last = before[0]
            repeats = last["outputs"] // len(step["weight"])  # a sheet of many pixels lay flat in a linear layer
            scale, shift = (step[name].repeat_interleave(repeats) for name in ("weight", "bias"))
            across = [1, -1, 1, 1] if last["kind"] == "convTranspose" else [-1] + [1] * (last["weight"].ndim - 1)
            last["weight"] = last["weight"] * scale.reshape(across)
            last["bias"] = shift if last["bias"] is None else shift + last["bias"] * scale
        else:
            folded.append(dict(step))
    return folded


@torch.no_grad()
def play(steps, x, *, rounded=lambda numbers: numbers):
    """Do the steps in PyTorch, with weights that are `rounded`: what the page will draw."""
    kept = []
    for step in steps:
        kind, both = step["kind"], (step.get("weight"), step.get("bias"))
        weight, bias = (None if numbers is None else rounded(numbers) for numbers in both)
        if kind == "linear":
            x = F.linear(x, weight, bias)
        elif kind == "conv":
            x = F.conv2d(x, weight, bias, step["stride"], step["padding"])
        elif kind == "convTranspose":
            x = F.conv_transpose2d(x, weight, bias, step["stride"], step["padding"], step["extra"])
        elif kind == "scale":
            x = (x.transpose(1, -1) * weight + bias).transpose(1, -1)
        elif kind == "instance":
            x = F.instance_norm(x, eps=step["eps"])
        elif kind == "relu":
            x = F.leaky_relu(x, step["slope"])
        elif kind in ("tanh", "sigmoid"):
            x = getattr(torch, kind)(x)
        elif kind == "upsample":
            x = F.interpolate(x, scale_factor=step["factor"], mode="bilinear" if step["smooth"] else "nearest")
        elif kind in ("flatten", "unflatten"):
            x = x.flatten(1).unflatten(1, step.get("shape", (-1,)))
        elif kind == "keep":
            kept.append(x)
        else:
            x = torch.cat([kept.pop(), x], 1)
    return x


def pack(steps, given, wanted):
    """Return the layers for JavaScript, their weights as bytes, and the bits of each: 16 where that is good enough."""
    bits = 16 if _distance(steps, given, wanted, lambda numbers: numbers.half().float()) < 0.9 * GREY_LEVEL else 32
    count = sum(step[name].numel() for step in steps for name in ("weight", "bias") if step.get(name) is not None)
    megabytes = count * bits / 8 * 4 / 3 / 1e6  # as text
    to_do = "A generator of half the width has about a quarter of the weights; smaller pictures need fewer, too"
    check(megabytes < LIMIT, f"The page would be {megabytes:.0f} MB, more than {LIMIT}. {to_do}.")
    found = "The generator does more than its layers say, so the page would draw other pictures"
    exact = bits == 16 or _distance(steps, given, wanted, lambda numbers: numbers) < GREY_LEVEL
    check(exact, f"{found}: let forward(z) return self.layers(z), and nothing else.")
    layers, rows, place = [{**step} for step in steps], [], 0
    for layer in layers:
        if layer["kind"] in WEIGHTS:  # as a matrix: a row for each output (and place of the window that it paints)
            turned = layer["kind"] == "convTranspose"
            layer["weight"] = layer["weight"].flatten(1).T if turned else layer["weight"].flatten(1)
            layer |= {"rows": layer["weight"].shape[0], "inner": layer["weight"].shape[1]}
        for name in ("weight", "bias"):
            if layer.get(name) is not None:
                rows.append(layer[name].detach().flatten().numpy())
                layer[name], place = place, place + rows[-1].size
    return layers, np.concatenate(rows).astype(f"<f{bits // 8}").tobytes(), bits


def _distance(steps, given, wanted, rounded):
    """Return how far the steps are from what the network itself draws, at most, in [-1, 1]."""
    try:
        drawn = play(steps, given, rounded=rounded)
    except (RuntimeError, IndexError):
        return 2.0
    return (drawn - wanted).abs().nan_to_num(2).max().item() if drawn.shape == wanted.shape else 2.0
