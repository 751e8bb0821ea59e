"""Trains the decoder on, with its layers over frames, on short clips: latents with a little noise in each frame, as the
UNet leaves them, become pictures that agree with their neighbours. The encoder, and so the latents, stay as they are.
Like train_autoencoder.py, mostly on pieces around a toy.

    python train_decoder.py --run DIR --minutes 12
"""

import argparse
import itertools

import numpy as np
import torch

import world
from autoencoder import Decoder, Encoder
from optimizer import Optimizers
from precision import mixed_precision
from train_autoencoder import LATENT_SCALE, NOISE, WHOLE_EVERY, as_batch, in_background, piece, reconstruction_loss
from training import Run, learning_rate, set_learning_rate, start

FRAMES = 5  # neighbours; a convolution over frames sees three


def clips(rng, whole):
    """[N T, 3, H, W]: one clip of whole frames or two of pieces."""
    batch = []
    for _ in range(1 if whole else 2):
        scene, first = world.draw_scene(rng), int(rng.integers(world.FRAMES - FRAMES + 1))
        times = range(first, first + FRAMES)
        batch += list(world.render(scene, times) if whole else piece(rng, scene, times))
    return as_batch(batch)


def train(args, rank):
    torch.manual_seed(4)
    state = torch.load(f"{args.run}/autoencoder_final.pt", weights_only=True)
    encoder, decoder = Encoder().requires_grad_(False), Decoder()
    encoder.load_state_dict(state["encoder"])
    decoder.load_state_dict(state["decoder"])
    optimizer = Optimizers([decoder], args.rate, ends=("conv_in", "conv_out", "time_mix_conv"))
    run = Run(f"{args.run}/decoder.pt", args.minutes, {"decoder": decoder, "optimizer": optimizer})
    rng = np.random.default_rng([4, run.step, rank])
    torch.manual_seed(4 + 100 * run.step + rank)
    kinds = itertools.cycle([True] + (WHOLE_EVERY - 1) * [False])
    next_clips = in_background(lambda: clips(rng, whole=next(kinds)))

    shown = np.zeros(2)
    for step in run.steps():
        set_learning_rate(optimizer, learning_rate(run, args.rate, warmup=10))
        x = next_clips()
        with mixed_precision():
            with torch.no_grad():
                z = encoder(x)[0]
                z = z + NOISE / LATENT_SCALE * torch.randn_like(z)
            y = decoder(z, FRAMES).float()
        pictures = reconstruction_loss(y, x)
        y, x = y.unflatten(0, (-1, FRAMES)), x.unflatten(0, (-1, FRAMES))
        differences = reconstruction_loss(y[:, 1:] - y[:, :-1], x[:, 1:] - x[:, :-1])
        optimizer.zero_grad()
        (pictures + differences).backward()
        run.average_gradients(optimizer.weights)
        optimizer.step()
        shown += pictures.item(), differences.item()
        if step % 10 == 9:
            run.say(f"step {step + 1} {run.seconds:.0f} s loss of pictures {shown[0] / 10:.4f}, of differences between "
                    f"frames {shown[1] / 10:.4f}")
            shown[:] = 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=12)
    parser.add_argument("--rate", type=float, default=1e-3)
    start(train, parser)


if __name__ == "__main__":
    main()
