"""The autoencoder: an encoder of single pictures and a decoder of latents whose blocks also look along the frames.

Parameter names are those of Stability AI's checkpoints, so that svd.cpp loads what is trained here.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from start import GROUPS, addition, constants, stream, transparent

PICTURE_EPS = 1e-6  # of the norms over one picture
TEMPORAL_EPS = 1e-5  # of the norms over all frames


@dataclass(frozen=True)
class AutoencoderSizes:
    # Of the four levels, finest first. The decoder's finest level needs more than one channel in each of the 32 groups of
    # its norms: with one, the brightness of a picture would not get through the last norm.
    encoder_channels: tuple = (32, 64, 64, 128)
    decoder_channels: tuple = (64, 64, 64, 128)
    encoder_blocks: int = 1  # per level; the decoder has one more
    latent_channels: int = 4


def conv3x3(channels_in, channels_out):
    return nn.Conv2d(channels_in, channels_out, 3, padding=1)


def norm(channels, eps=PICTURE_EPS):
    return transparent(nn.GroupNorm(GROUPS, channels, eps=eps))


class FrameConv(nn.Conv3d):
    """A convolution over three neighbouring frames, of tensors [B, C, T, pixels]."""

    def __init__(self, channels):
        super().__init__(channels, channels, (3, 1, 1), padding=(1, 0, 0))

    def forward(self, x):
        return F.conv2d(x, self.weight.flatten(3), self.bias, padding=(1, 0))


def clips(x, frames):
    """[B * T, C, h, w] -> [B, C, T, h * w]"""
    return x.unflatten(0, (-1, frames)).flatten(3).transpose(1, 2).contiguous()


def pictures(y, like):
    """The way back, to the shape of `like`."""
    return y.transpose(1, 2).reshape(like.shape)


class TemporalBranch(nn.Module):
    """time_stack: what a residual block over frames adds. Its norms take their statistics over all frames together.
    Starts by adding nothing."""

    def __init__(self, channels, embedding=None):
        super().__init__()
        self.in_layers = nn.Sequential(norm(channels, TEMPORAL_EPS), nn.SiLU(), stream(FrameConv(channels), gain=1.5))
        if embedding:
            self.emb_layers = nn.Sequential(nn.SiLU(), nn.Linear(embedding, channels))
        self.out_layers = nn.Sequential(norm(channels, TEMPORAL_EPS), nn.SiLU(), nn.Identity(),
                                        addition(FrameConv(channels), gain=0.0))

    def forward(self, x, frames, emb=None):  # emb: [B, embedding]
        h = self.in_layers(clips(x, frames))
        if emb is not None:
            h = h + self.emb_layers(emb)[:, :, None, None]
        return pictures(self.out_layers(h), x)


class ResBlock(nn.Module):
    def __init__(self, channels_in, channels_out, temporal=False):
        super().__init__()
        self.norm1 = norm(channels_in)
        self.conv1 = stream(conv3x3(channels_in, channels_out), gain=1.5)
        self.norm2 = norm(channels_out)
        self.conv2 = addition(conv3x3(channels_out, channels_out), gain=0.5)
        if channels_in != channels_out:
            self.nin_shortcut = stream(nn.Conv2d(channels_in, channels_out, 1), constants(channels_in))
        if temporal:
            self.time_stack = TemporalBranch(channels_out)
            self.mix_factor = nn.Parameter(torch.zeros(1))

    def forward(self, x, frames=None):
        h = self.conv1(F.silu(self.norm1(x)))
        h = self.conv2(F.silu(self.norm2(h)))
        x = (self.nin_shortcut(x) if hasattr(self, "nin_shortcut") else x) + h
        # a (x + f(x)) + (1 - a) x, with a = sigmoid(mix_factor); pictures by themselves (no frames) pass as they are.
        if frames:
            x = x + torch.sigmoid(self.mix_factor).to(x.dtype) * self.time_stack(x, frames)
        return x


class Attention(nn.Module):
    """One head over the pixels of a picture."""

    def __init__(self, channels):
        super().__init__()
        self.norm = norm(channels)
        for name in ("q", "k", "v", "proj_out"):
            setattr(self, name, nn.Conv2d(channels, channels, 1))
        addition(self.proj_out, gain=0.2)

    def forward(self, x):
        n, c, h, w = x.shape
        y = self.norm(x)
        q, k, v = (f(y).view(n, 1, c, h * w).transpose(2, 3) for f in (self.q, self.k, self.v))
        y = F.scaled_dot_product_attention(q, k, v).transpose(2, 3).reshape(n, c, h, w)
        return x + self.proj_out(y)


class Middle(nn.Module):
    def __init__(self, channels, temporal=False):
        super().__init__()
        self.block_1 = ResBlock(channels, channels, temporal)
        self.attn_1 = Attention(channels)
        self.block_2 = ResBlock(channels, channels, temporal)

    def forward(self, x, frames=None):
        return self.block_2(self.attn_1(self.block_1(x, frames)), frames)


class Downsample(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv = stream(nn.Conv2d(channels, channels, 3, stride=2), constants(channels))

    def forward(self, x):
        return self.conv(F.pad(x, (0, 1, 0, 1)))


class Upsample(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv = stream(conv3x3(channels, channels), constants(channels))

    def forward(self, x):
        return self.conv(F.interpolate(x, scale_factor=2, mode="nearest"))


class EncoderLevels(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        channels = sizes.encoder_channels
        self.conv_in = stream(conv3x3(3, channels[0]))
        self.down = nn.ModuleList()
        width = channels[0]
        for i, c in enumerate(channels):
            level = nn.Module()
            level.block = nn.ModuleList()
            for _ in range(sizes.encoder_blocks):
                level.block.append(ResBlock(width, c))
                width = c
            if i + 1 < len(channels):
                level.downsample = Downsample(width)
            self.down.append(level)
        self.mid = Middle(width)
        self.norm_out = norm(width)
        self.conv_out = conv3x3(width, 2 * sizes.latent_channels)

    def forward(self, x):
        h = self.conv_in(x)
        for level in self.down:
            for block in level.block:
                h = block(h)
            if hasattr(level, "downsample"):
                h = level.downsample(h)
        return self.conv_out(F.silu(self.norm_out(self.mid(h))))


class Encoder(nn.Module):
    """conditioner.embedders.3.encoder: pictures [N, 3, H, W] in [-1, 1] -> mean and log variance, each [N, 4, h, w]."""

    def __init__(self, sizes=AutoencoderSizes()):
        super().__init__()
        self.encoder = EncoderLevels(sizes)
        self.quant_conv = nn.Conv2d(2 * sizes.latent_channels, 2 * sizes.latent_channels, 1)

    def forward(self, x):
        return self.quant_conv(self.encoder(x)).float().chunk(2, dim=1)


class ConvOut(nn.Conv2d):
    def __init__(self, channels):
        super().__init__(channels, 3, 3, padding=1)
        self.time_mix_conv = FrameConv(3)
        with torch.no_grad():  # starts by changing nothing
            self.time_mix_conv.weight.zero_()
            self.time_mix_conv.weight[:, :, 1, 0, 0] = torch.eye(3)
            self.time_mix_conv.bias.zero_()

    def forward(self, x, frames):
        x = super().forward(x)
        return pictures(self.time_mix_conv(clips(x, frames)), x) if frames else x


class DecoderLevels(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        channels = sizes.decoder_channels
        width = channels[-1]
        self.conv_in = stream(conv3x3(sizes.latent_channels, width))
        self.mid = Middle(width, temporal=True)
        levels = []
        for i, c in reversed(list(enumerate(channels))):
            level = nn.Module()
            level.block = nn.ModuleList()
            for _ in range(sizes.encoder_blocks + 1):
                level.block.append(ResBlock(width, c, temporal=True))
                width = c
            if i > 0:
                level.upsample = Upsample(width)
            levels.insert(0, level)
        self.up = nn.ModuleList(levels)
        self.norm_out = norm(width)
        self.conv_out = ConvOut(width)

    def forward(self, z, frames=None):
        h = self.mid(self.conv_in(z), frames)
        for level in reversed(self.up):
            for block in level.block:
                h = block(h, frames)
            if hasattr(level, "upsample"):
                h = level.upsample(h)
        return self.conv_out(F.silu(self.norm_out(h)), frames)


class Decoder(nn.Module):
    """first_stage_model: latents [B * T, 4, h, w] -> frames [B * T, 3, H, W] in about [-1, 1]."""

    def __init__(self, sizes=AutoencoderSizes()):
        super().__init__()
        self.decoder = DecoderLevels(sizes)

    def forward(self, z, frames=None):
        return self.decoder(z, frames)

