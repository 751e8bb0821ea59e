"""Trains the decoder on, with its layers over frames, on short clips: latents with a little noise in each frame, as the
UNet leaves them, become pictures that agree with their neighbours. The encoder, and so the latents, stay as they are.

    python train_decoder.py --run DIR --minutes 20
"""

import argparse

import numpy as np
import torch

import world
from autoencoder import Decoder, Encoder
from optimizer import Optimizers
from precision import mixed_precision
from train_autoencoder import in_background, reconstruction_loss
from training import Run, learning_rate, set_learning_rate, start

LATENT_DEVIATION = 1 / 0.18215
NOISE = 0.05  # in units of the latents' deviation
FRAMES = 4  # neighbours; convolutions over frames see three


def clip(rng):
    """[T, 3, H, W] in [-1, 1]"""
    first = int(rng.integers(world.FRAMES - FRAMES + 1))
    frames = world.render(world.draw_scene(rng), range(first, first + FRAMES))
    return torch.from_numpy(frames).permute(0, 3, 1, 2).contiguous() * 2 - 1


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
    next_clip = in_background(lambda: clip(rng))

    shown = np.zeros(2)
    for step in run.steps():
        set_learning_rate(optimizer, learning_rate(run, args.rate, warmup=10))
        x = next_clip()
        with mixed_precision():
            with torch.no_grad():
                z = encoder(x)[0]
                z = z + NOISE * LATENT_DEVIATION * torch.randn_like(z)
            y = decoder(z, FRAMES).float()
        pictures, differences = reconstruction_loss(y, x), reconstruction_loss(y[1:] - y[:-1], x[1:] - x[:-1])
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
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--rate", type=float, default=1e-3)
    start(train, parser)


if __name__ == "__main__":
    main()
