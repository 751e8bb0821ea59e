"""Trains what the decoder has over frames, on clips: latents with a little noise in each frame, as the UNet leaves them,
become pictures that agree with their neighbours. Everything that works on single pictures stays as it is.

    python train_decoder.py --run DIR --minutes 8
"""

import argparse

import numpy as np
import torch

import world
from autoencoder import Decoder, Encoder
from optimizer import Optimizers
from train_autoencoder import in_background, reconstruction_loss
from training import Run, learning_rate, set_learning_rate, start

LATENT_DEVIATION = 1 / 0.18215
NOISE = 0.08  # in units of the latents' deviation


def clip(rng):
    """[T, 3, H, W] in [-1, 1]"""
    return torch.from_numpy(world.render(world.draw_scene(rng))).permute(0, 3, 1, 2).contiguous() * 2 - 1


def train(args, rank):
    torch.manual_seed(4)
    state = torch.load(f"{args.run}/autoencoder_final.pt", weights_only=True)
    encoder, decoder = Encoder().requires_grad_(False), Decoder()
    encoder.load_state_dict(state["encoder"])
    decoder.load_state_dict(state["decoder"])
    for name, p in decoder.named_parameters():
        p.requires_grad_("time_" in name or "mix_factor" in name)
    optimizer = Optimizers([decoder], args.rate, ends=("time_mix_conv",))
    run = Run(f"{args.run}/decoder.pt", args.minutes, {"decoder": decoder, "optimizer": optimizer})
    rng = np.random.default_rng([4, run.step, rank])
    torch.manual_seed(4 + 100 * run.step + rank)
    next_clip = in_background(lambda: clip(rng))

    for step in run.steps():
        set_learning_rate(optimizer, learning_rate(run, args.rate, warmup=10))
        x = next_clip()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            with torch.no_grad():
                z = encoder(x)[0]
                z = z + NOISE * LATENT_DEVIATION * torch.randn_like(z)
                alone = reconstruction_loss(decoder(z).float(), x) if step % 10 == 9 else None
            y = decoder(z, world.FRAMES).float()
        loss = reconstruction_loss(y, x) + reconstruction_loss(y[1:] - y[:-1], x[1:] - x[:-1])
        optimizer.zero_grad()
        loss.backward()
        run.average_gradients(optimizer.weights)
        optimizer.step()
        if alone is not None:
            together = reconstruction_loss(y.detach(), x)
            run.say(f"step {step + 1} {run.seconds:.0f} s loss {loss.item():.4f}; frames together {together:.4f}, alone "
                    f"{alone:.4f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=8)
    parser.add_argument("--rate", type=float, default=1e-3)
    start(train, parser)


if __name__ == "__main__":
    main()
