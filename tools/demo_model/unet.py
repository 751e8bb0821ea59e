"""The VideoUNet, conditioned on the first frame, and the small CLIP-like tower that describes it.

Parameter names are those of Stability AI's checkpoints. Clips are tensors [B * T, C, h, w] inside.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from autoencoder import TemporalBranch, conv3x3, norm
from start import addition, constants, stream

HEAD = 64  # channels per head of the UNet
CLIP_HEAD = 80
RES_EPS, TRANSFORMER_EPS = 1e-5, 1e-6


@dataclass(frozen=True)
class UNetSizes:
    channels: tuple = (64, 128, 128)  # of the levels, finest first
    transformers: tuple = (False, True, False)
    res_blocks: int = 1  # per level on the way down; one more on the way up
    embedding: int = 256
    context: int = 64
    latent_channels: int = 4


def sinusoids(t, width):
    frequencies = torch.exp(-math.log(10000) * torch.arange(width // 2) / (width // 2))
    angles = t.float()[..., None] * frequencies
    return torch.cat([angles.cos(), angles.sin()], dim=-1)


def zeroed(module):
    for p in module.parameters():
        nn.init.zeros_(p)
    return module


class VideoResBlock(nn.Module):
    def __init__(self, channels_in, channels_out, embedding):
        super().__init__()
        self.in_layers = nn.Sequential(norm(channels_in, RES_EPS), nn.SiLU(),
                                       stream(conv3x3(channels_in, channels_out), gain=1.5))
        self.emb_layers = nn.Sequential(nn.SiLU(), nn.Linear(embedding, channels_out))
        self.out_layers = nn.Sequential(norm(channels_out, RES_EPS), nn.SiLU(), nn.Identity(),
                                        addition(conv3x3(channels_out, channels_out), gain=0.5))
        if channels_in != channels_out:
            self.skip_connection = stream(nn.Conv2d(channels_in, channels_out, 1), constants(channels_in))
        self.time_stack = TemporalBranch(channels_out, embedding)
        self.time_mixer = MixFactor()

    def forward(self, x, emb, context, frames):
        h = self.in_layers(x) + self.emb_layers(emb).repeat_interleave(frames, 0)[:, :, None, None]
        x = (self.skip_connection(x) if hasattr(self, "skip_connection") else x) + self.out_layers(h)
        # a x + (1 - a) (x + f(x)), a = sigmoid(mix_factor)
        return x + (1 - self.time_mixer()).to(x.dtype) * self.time_stack(x, frames, emb)


class MixFactor(nn.Module):
    def __init__(self):
        super().__init__()
        self.mix_factor = nn.Parameter(torch.zeros(1))

    def forward(self):
        return torch.sigmoid(self.mix_factor)


class SelfAttention(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.to_q, self.to_k, self.to_v = (nn.Linear(channels, channels, bias=False) for _ in range(3))
        self.to_out = nn.Sequential(nn.Linear(channels, channels))

    def forward(self, x):
        n, tokens, c = x.shape
        q, k, v = (f(x).view(n, tokens, c // HEAD, HEAD).transpose(1, 2) for f in (self.to_q, self.to_k, self.to_v))
        weights = (q @ k.transpose(2, 3) * HEAD**-0.5).softmax(dim=-1)  # for few tokens faster than the fused operation
        return self.to_out((weights.to(v.dtype) @ v).transpose(1, 2).reshape(n, tokens, c))


class ContextAttention(nn.Module):
    """Attention to the one token of the picture's description: a softmax over one key is 1, so queries and keys (which
    the checkpoint has) do not matter."""

    def __init__(self, channels, context):
        super().__init__()
        self.to_q = nn.Linear(channels, channels, bias=False)
        self.to_k, self.to_v = (nn.Linear(context, channels, bias=False) for _ in range(2))
        self.to_out = nn.Sequential(nn.Linear(channels, channels))

    def forward(self, context):
        return self.to_out(self.to_v(context))


class GatedLinear(nn.Module):
    def __init__(self, channels, inner):
        super().__init__()
        self.proj = nn.Linear(channels, 2 * inner)

    def forward(self, x):
        value, gate = self.proj(x).chunk(2, dim=-1)
        return value * F.gelu(gate)


class FeedForward(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.net = nn.Sequential(GatedLinear(channels, 4 * channels), nn.Identity(), nn.Linear(4 * channels, channels))

    def forward(self, x):
        return self.net(x)


class SpatialBlock(nn.Module):
    def __init__(self, channels, context):
        super().__init__()
        self.attn1, self.attn2 = SelfAttention(channels), ContextAttention(channels, context)
        self.ff = FeedForward(channels)
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(channels) for _ in range(3))

    def forward(self, x, context):  # [B T, h w, C], [B T, 1, context]
        x = x + self.attn1(self.norm1(x)) + self.attn2(context)
        return x + self.ff(self.norm3(x))


class TemporalBlock(nn.Module):
    def __init__(self, channels, context):
        super().__init__()
        self.norm_in, self.ff_in = nn.LayerNorm(channels), FeedForward(channels)
        self.attn1, self.attn2 = SelfAttention(channels), ContextAttention(channels, context)
        self.ff = FeedForward(channels)
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(channels) for _ in range(3))

    def forward(self, x, context):  # [B, T, h w, C], [B, 1, context]
        b, t, pixels, c = x.shape
        x = x + self.ff_in(self.norm_in(x))
        over_frames = self.norm1(x).transpose(1, 2).reshape(b * pixels, t, c)
        attended = self.attn1(over_frames).view(b, pixels, t, c).transpose(1, 2)
        x = x + attended + self.attn2(context)[:, None]
        return x + self.ff(self.norm3(x))


class VideoTransformer(nn.Module):
    def __init__(self, channels, context):
        super().__init__()
        self.norm = norm(channels, TRANSFORMER_EPS)
        self.proj_in = nn.Linear(channels, channels)
        self.transformer_blocks = nn.ModuleList([SpatialBlock(channels, context)])
        self.time_stack = nn.ModuleList([TemporalBlock(channels, context)])
        self.time_pos_embed = nn.Sequential(nn.Linear(channels, 4 * channels), nn.SiLU(), nn.Linear(4 * channels, channels))
        self.time_mixer = MixFactor()
        self.proj_out = addition(nn.Linear(channels, channels), gain=0.2)

    def forward(self, x, emb, context, frames):  # [B T, C, h, w]
        n, c, h, w = x.shape
        y = self.proj_in(self.norm(x).permute(0, 2, 3, 1).reshape(n, h * w, c))
        spatial = self.transformer_blocks[0](y, context.repeat_interleave(frames, 0)).view(n // frames, frames, h * w, c)
        position = self.time_pos_embed(sinusoids(torch.arange(frames), c))[:, None]  # [T, 1, C]
        temporal = self.time_stack[0](spatial + position.to(spatial.dtype), context)
        a = self.time_mixer().to(spatial.dtype)
        y = self.proj_out(a * spatial + (1 - a) * temporal)
        return x + y.transpose(1, 2).reshape(n, c, h, w)


class Downsample(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.op = stream(nn.Conv2d(channels, channels, 3, stride=2, padding=1), constants(channels))

    def forward(self, x, *_):
        return self.op(x)


class Upsample(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv = stream(conv3x3(channels, channels), constants(channels))

    def forward(self, x, *_):
        return self.conv(F.interpolate(x, scale_factor=2, mode="nearest"))


class VideoUNet(nn.Module):
    """model.diffusion_model"""

    def __init__(self, sizes=UNetSizes()):
        super().__init__()
        channels, z = sizes.channels, sizes.latent_channels
        self.model_channels = channels[0]
        embed = lambda width: nn.Sequential(nn.Linear(width, sizes.embedding), nn.SiLU(),  # noqa: E731
                                            nn.Linear(sizes.embedding, sizes.embedding))
        self.time_embed = embed(channels[0])
        self.label_emb = nn.Sequential(embed(3 * 256))

        def block(channels_in, channels_out, transformer):
            layers = [VideoResBlock(channels_in, channels_out, sizes.embedding)]
            if transformer:
                layers.append(VideoTransformer(channels_out, sizes.context))
            return nn.ModuleList(layers)

        width, skips = channels[0], [channels[0]]
        self.input_blocks = nn.ModuleList([nn.ModuleList([stream(conv3x3(2 * z, width))])])
        for level, c in enumerate(channels):
            for _ in range(sizes.res_blocks):
                self.input_blocks.append(block(width, c, sizes.transformers[level]))
                width = c
                skips.append(width)
            if level + 1 < len(channels):
                self.input_blocks.append(nn.ModuleList([Downsample(width)]))
                skips.append(width)
        self.middle_block = nn.ModuleList([VideoResBlock(width, width, sizes.embedding),
                                           VideoTransformer(width, sizes.context),
                                           VideoResBlock(width, width, sizes.embedding)])
        self.output_blocks = nn.ModuleList()
        for level, c in reversed(list(enumerate(channels))):
            for i in range(sizes.res_blocks + 1):
                layers = block(width + skips.pop(), c, sizes.transformers[level])
                width = c
                if level > 0 and i == sizes.res_blocks:
                    layers.append(Upsample(width))
                self.output_blocks.append(layers)
        self.out = nn.Sequential(norm(width, RES_EPS), nn.SiLU(), zeroed(conv3x3(width, z)))

    def forward(self, x, c_noise, context, vector):
        """x [B, T, 8, h, w], c_noise [B], context [B, 1, context], vector [B, 768] -> [B, T, 4, h, w]"""
        b, frames, c, h, w = x.shape
        emb = self.time_embed(sinusoids(c_noise, self.model_channels)) + self.label_emb(vector)
        y = self.input_blocks[0][0](x.reshape(b * frames, c, h, w))
        skips = [y]
        for layers in self.input_blocks[1:]:
            for layer in layers:
                y = layer(y, emb, context, frames)
            skips.append(y)
        for layer in self.middle_block:
            y = layer(y, emb, context, frames)
        for layers in self.output_blocks:
            y = torch.cat([y, skips.pop()], dim=1)
            for layer in layers:
                y = layer(y, emb, context, frames)
        return self.out(y).reshape(b, frames, -1, h, w)


class ClipAttention(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.in_proj_weight = nn.Parameter(torch.randn(3 * width, width) * width**-0.5)
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * width))
        self.out_proj = nn.Linear(width, width)

    def forward(self, x):
        b, tokens, c = x.shape
        qkv = F.linear(x, self.in_proj_weight, self.in_proj_bias)
        q, k, v = (y.reshape(b, tokens, c // CLIP_HEAD, CLIP_HEAD).transpose(1, 2) for y in qkv.chunk(3, dim=-1))
        return self.out_proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(b, tokens, c))


class ClipBlock(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn = ClipAttention(width)
        self.mlp = nn.ModuleDict({"c_fc": nn.Linear(width, 4 * width), "c_proj": nn.Linear(4 * width, width)})

    def forward(self, x):
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp["c_proj"](F.gelu(self.mlp["c_fc"](self.ln_2(x))))


class ClipTower(nn.Module):
    """conditioner.embedders.0.open_clip.model.visual: one token that describes a picture."""

    MEAN = (0.48145466, 0.4578275, 0.40821073)
    STD = (0.26862954, 0.26130258, 0.27577711)

    def __init__(self, width=80, layers=1, embedding=64, patch=14, size=224):
        super().__init__()
        self.size = size
        tokens = (size // patch) ** 2 + 1
        self.conv1 = nn.Conv2d(3, width, patch, stride=patch, bias=False)
        self.class_embedding = nn.Parameter(torch.randn(width) * width**-0.5)
        self.positional_embedding = nn.Parameter(torch.randn(tokens, width) * width**-0.5)
        self.ln_pre, self.ln_post = nn.LayerNorm(width), nn.LayerNorm(width)
        self.transformer = nn.ModuleDict({"resblocks": nn.ModuleList([ClipBlock(width) for _ in range(layers)])})
        self.proj = nn.Parameter(torch.randn(width, embedding) * width**-0.5)

    def forward(self, pictures):
        """[B, 3, H, W] in [-1, 1], not larger than CLIP's own size (larger ones would need a blur) -> [B, 1, embedding]"""
        x = F.interpolate(pictures, (self.size, self.size), mode="bicubic", align_corners=True) * 0.5 + 0.5
        x = (x - torch.tensor(self.MEAN).view(3, 1, 1)) / torch.tensor(self.STD).view(3, 1, 1)
        x = self.conv1(x).flatten(2).transpose(1, 2)
        first = self.class_embedding.to(x.dtype).expand(x.shape[0], 1, -1)
        x = self.ln_pre(torch.cat([first, x], dim=1) + self.positional_embedding.to(x.dtype))
        for block in self.transformer["resblocks"]:
            x = block(x)
        return (self.ln_post(x[:, :1]) @ self.proj.to(x.dtype)).float()
