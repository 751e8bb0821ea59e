"""Trains the autoencoder on single pictures of the world: sharp pictures from few numbers. Mostly on pieces around a toy,
where there is most to learn; every fourth step on whole pictures, so that it knows those too.

    python train_autoencoder.py --run DIR --minutes 30
"""

import argparse
import itertools
import os
import queue
import threading

import numpy as np
import torch
import torch.nn.functional as F

import world
from autoencoder import Decoder, Encoder
from optimizer import Optimizers
from precision import mixed_precision
from training import Run, learning_rate, set_learning_rate, start

KL_WEIGHT = 3e-4
EDGE_WEIGHT = 1.0
LATENT_SCALE = 0.18215
# In units of the latents' deviation. What the UNet makes is not exact: the decoder has to stand that, and numbers that
# survive it change evenly when a toy moves a little.
NOISE = 0.1
PIECE = (64, 96)  # pixels
WHOLE_EVERY = 4  # steps


def as_batch(arrays):
    """[N, 3, H, W] in [-1, 1] from [H, W, 3] each"""
    return torch.from_numpy(np.stack(arrays)).permute(0, 3, 1, 2).contiguous() * 2 - 1


def pictures(rng, count):
    """[N, 3, H, W], each of another scene at some time."""
    return as_batch([world.render(world.draw_scene(rng), [int(rng.integers(world.FRAMES))])[0] for _ in range(count)])


def piece(rng, scene, times):
    """[T, 64, 96, 3] in [0, 1]: the part of these frames where a toy is at the first of them."""
    toy = scene.toys[rng.integers(len(scene.toys))]
    x, y = world.positions(toy, times[:1])[0][0]
    top, left = (int(np.clip(middle - size * rng.uniform(0.2, 0.8), 0, whole - size))
                 for middle, size, whole in zip((y, x), PIECE, (world.HEIGHT, world.WIDTH)))
    return world.render(scene, times)[:, top:top + PIECE[0], left:left + PIECE[1]]


def pieces(rng, count):
    """[N, 3, 64, 96], each of another scene."""
    return as_batch([piece(rng, world.draw_scene(rng), [int(rng.integers(world.FRAMES))])[0] for _ in range(count)])


def in_background(make, depth=4):
    """Calls make() in a thread of its own, ahead of need."""
    ready = queue.Queue(depth)

    def work():
        while True:
            ready.put(make())

    threading.Thread(target=work, daemon=True).start()
    return ready.get


def edges(x):
    return x[..., :, 1:] - x[..., :, :-1], x[..., 1:, :] - x[..., :-1, :]


def reconstruction_loss(result, picture):
    loss = F.l1_loss(result, picture)
    for a, b in zip(edges(result), edges(picture)):
        loss = loss + EDGE_WEIGHT * F.l1_loss(a, b)
    return loss


@torch.no_grad()
def scale_latents(encoder, decoder, factor):
    """Multiplies each latent channel by factor [4] without changing any picture: the factors go into the encoder's last and
    the decoder's first convolution."""
    encoder.quant_conv.weight[:4] *= factor[:, None, None, None]
    encoder.quant_conv.bias[:4] *= factor
    decoder.decoder.conv_in.weight /= factor[None, :, None, None]


@torch.no_grad()
def normalise(encoder, decoder, rng, count=256):
    """Gives each latent channel the deviation that diffusion expects, 1 / 0.18215."""
    means = torch.cat([encoder(pictures(rng, 16))[0] for _ in range(count // 16)])  # [N, 4, h, w]
    scale_latents(encoder, decoder, 1 / (LATENT_SCALE * means.std((0, 2, 3))))


def train(args, rank):
    torch.manual_seed(1)
    encoder, decoder = Encoder(), Decoder()
    if os.path.exists(f"{args.run}/autoencoder_start.pt"):  # export.py --restore
        state = torch.load(f"{args.run}/autoencoder_start.pt", weights_only=True)
        encoder.load_state_dict(state["encoder"])
        decoder.load_state_dict(state["decoder"])
        scale_latents(encoder, decoder, torch.full((4,), LATENT_SCALE))
    for name, p in decoder.named_parameters():  # another script's
        p.requires_grad_("time_" not in name and "mix_factor" not in name)
    optimizer = Optimizers([encoder, decoder], args.rate, ends=("conv_in", "conv_out", "quant_conv"))
    run = Run(f"{args.run}/autoencoder.pt", args.minutes, {"encoder": encoder, "decoder": decoder, "optimizer": optimizer})
    rng = np.random.default_rng([1, run.step, rank])
    torch.manual_seed(1 + rank)
    kinds = itertools.cycle([lambda: pictures(rng, max(args.batch // 2, 1))] + (WHOLE_EVERY - 1) * [lambda: pieces(rng, args.batch)])
    next_batch = in_background(lambda: next(kinds)())

    def forward(x):
        with mixed_precision():
            mean, log_variance = encoder(x)
            log_variance = log_variance.clamp(-20, 10)
            deviation = (log_variance.exp() + (NOISE * mean.detach().std((0, 2, 3), keepdim=True)) ** 2).sqrt()
            y = decoder(mean + deviation * torch.randn_like(mean))
        kl = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).mean()
        y = y.float()
        return reconstruction_loss(y, x) + KL_WEIGHT * kl, y, mean, log_variance

    shown = 0.0
    for step in run.steps():
        set_learning_rate(optimizer, learning_rate(run, args.rate))
        x = next_batch()
        loss, y, mean, log_variance = forward(x)
        optimizer.zero_grad()
        loss.backward()
        run.average_gradients(optimizer.weights)
        optimizer.step()
        shown += loss.item()
        if step % 25 == 24:
            with torch.no_grad():
                y = y.clamp(-1, 1)
                error = -10 * torch.log10(((y - x) / 2).square().mean((1, 2, 3))).mean()
                sharp = [sum(e.abs().mean() for e in edges(v)) for v in (y, x)]
            run.say(f"step {step + 1} {run.seconds:.0f} s loss {shown / 25:.4f} psnr {error:.2f} dB sharpness "
                    f"{sharp[0] / sharp[1]:.3f} latent {mean.std():.3f} posterior {log_variance.mul(0.5).exp().mean():.3f}")
            shown = 0.0

    if run.first:
        normalise(encoder, decoder, rng)
        torch.save({"encoder": encoder.state_dict(), "decoder": decoder.state_dict()}, f"{args.run}/autoencoder_final.pt")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--batch", type=int, default=4, help="pieces of a worker")
    parser.add_argument("--rate", type=float, default=2e-3)
    start(train, parser)


if __name__ == "__main__":
    main()
