"""Starting values under which group norms let absolute levels through.

The norms of these networks have 32 groups; with as few as 64 channels, a group is two channels, and what a norm takes
away (mean and deviation over the picture) is nearly everything that tells a bright picture from a dark one. A network that
starts at random needs thousands of steps to find a way round that. So it starts with one: the channels of a group carry
alternating constants, +LEVEL and -LEVEL, which fix the deviation, and the norms' own weights take them out again.
"""

import math

import torch
from torch import nn

GROUPS = 32
LEVEL = 2.0


def constants(channels):
    """What a stream of so many channels carries beside the signal: [C]"""
    if channels < 2 * GROUPS:
        return torch.zeros(channels)  # a group of one channel cannot be helped
    return LEVEL * torch.tensor([1.0, -1.0]).repeat(channels // 2)


@torch.no_grad()
def transparent(norm):
    channels = norm.weight.numel()
    if channels >= 2 * GROUPS:
        norm.weight.fill_(math.sqrt(LEVEL**2 + 1))
        norm.bias.copy_(-constants(channels))
    return norm


@torch.no_grad()
def stream(layer, carried=None, gain=1.0):
    """A convolution or linear layer that keeps a signal's size and puts the constants into its output. `carried`: the
    constants of its input, [C_in], none by default (behind a norm)."""
    weight = layer.weight
    nn.init.normal_(weight, std=gain / math.sqrt(weight[0].numel()))
    layer.bias.copy_(constants(weight.shape[0]))
    if carried is not None:
        layer.bias -= weight.flatten(2).sum(2) @ carried if weight.ndim > 2 else weight @ carried
    return layer


@torch.no_grad()
def addition(layer, gain):
    """The last layer of a branch that is added to the stream: little at first, and no constants."""
    nn.init.normal_(layer.weight, std=gain / math.sqrt(layer.weight[0].numel()))
    nn.init.zeros_(layer.bias)
    return layer
