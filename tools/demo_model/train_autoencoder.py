"""Trains the autoencoder on single pictures of the world: sharp pictures from few numbers.

    python train_autoencoder.py --run DIR --minutes 25
"""

import argparse
import threading
import queue

import numpy as np
import torch
import torch.nn.functional as F

import world
from autoencoder import Decoder, Encoder
from optimizer import Optimizers
from precision import mixed_precision
from training import Run, learning_rate, set_learning_rate, start

KL_WEIGHT = 2e-4
EDGE_WEIGHT = 1.0
LATENT_SCALE = 0.18215


def pictures(rng, count):
    """[N, 3, H, W] in [-1, 1], each of another scene at some time."""
    batch = [world.render(world.draw_scene(rng), [int(rng.integers(world.FRAMES))])[0] for _ in range(count)]
    return torch.from_numpy(np.stack(batch)).permute(0, 3, 1, 2).contiguous() * 2 - 1


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
def normalise(encoder, decoder, rng, count=256):
    """Gives each latent channel the deviation that diffusion expects, 1 / 0.18215, without changing any picture: the
    factors go into the encoder's last and the decoder's first convolution."""
    means = torch.cat([encoder(pictures(rng, 16))[0] for _ in range(count // 16)])  # [N, 4, h, w]
    factor = 1 / (LATENT_SCALE * means.std((0, 2, 3)))  # [4]
    encoder.quant_conv.weight[:4] *= factor[:, None, None, None]
    encoder.quant_conv.bias[:4] *= factor
    decoder.decoder.conv_in.weight /= factor[None, :, None, None]


def train(args, rank):
    torch.manual_seed(1)
    encoder, decoder = Encoder(), Decoder()
    for name, p in decoder.named_parameters():  # another script's
        p.requires_grad_("time_" not in name and "mix_factor" not in name)
    optimizer = Optimizers([encoder, decoder], args.rate, ends=("conv_in", "conv_out", "quant_conv"))
    run = Run(f"{args.run}/autoencoder.pt", args.minutes, {"encoder": encoder, "decoder": decoder, "optimizer": optimizer})
    rng = np.random.default_rng([1, run.step, rank])
    torch.manual_seed(1 + rank)
    next_batch = in_background(lambda: pictures(rng, args.batch))

    def forward(x, noise):
        with mixed_precision():
            mean, log_variance = encoder(x)
            log_variance = log_variance.clamp(-20, 10)
            y = decoder(mean + torch.exp(0.5 * log_variance) * noise)
        kl = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).mean()
        y = y.float()
        return reconstruction_loss(y, x) + KL_WEIGHT * kl, y, mean, log_variance

    shown = 0.0
    for step in run.steps():
        set_learning_rate(optimizer, learning_rate(run, args.rate))
        x = next_batch()
        loss, y, mean, log_variance = forward(x, torch.randn(args.batch, 4, world.HEIGHT // 8, world.WIDTH // 8))
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
    parser.add_argument("--minutes", type=float, default=25)
    parser.add_argument("--batch", type=int, default=2, help="of a worker")
    parser.add_argument("--rate", type=float, default=2e-3)
    start(train, parser)


if __name__ == "__main__":
    main()
