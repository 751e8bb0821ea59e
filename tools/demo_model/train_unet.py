"""Trains the UNet and the CLIP-like tower on latents of the trained autoencoder.

    python train_unet.py --run DIR --minutes 60
"""

import argparse
import copy
import os

import numpy as np
import torch
import torch.nn.functional as F

import world
from autoencoder import Encoder
from optimizer import Optimizers
from precision import mixed_precision
from train_autoencoder import LATENT_SCALE
from training import Run, learning_rate, set_learning_rate, start
from unet import ClipTower, VideoUNet, sinusoids

LOG_SIGMA_MEAN, LOG_SIGMA_DEVIATION = 0.7, 1.6
DROP = 0.1  # of the samples lose their conditioning
CLIPS_KEPT = 3000
HELD_OUT = 1_000_000  # first seed of the clips that training never sees; evaluate.py has others


class Clips:
    """Clips as latents. One is added every third step; the oldest makes room when all places are taken."""

    def __init__(self, encoder, rng, count):
        latent = (world.FRAMES, 4, world.HEIGHT // 8, world.WIDTH // 8)
        self.encoder, self.rng, self.count, self.added = encoder, rng, count, 0
        self.latents = torch.zeros(count, *latent, dtype=torch.float16)  # scaled for the UNet
        self.first = torch.zeros(count, *latent[1:], dtype=torch.float16)  # conditioning latent, unscaled
        self.pictures = torch.zeros(count, 3, world.HEIGHT, world.WIDTH, dtype=torch.uint8)
        self.numbers = torch.zeros(count, 3)  # fps_id, motion_bucket_id, cond_aug

    @torch.no_grad()
    def add(self, scene=None):
        scene = scene or world.draw_scene(self.rng)
        video = torch.from_numpy(world.render(scene)).permute(0, 3, 1, 2) * 2 - 1
        cond_aug = float(np.exp(self.rng.normal(-3.8, 0.5)))
        noisy = video[:1] + cond_aug * torch.randn(video[:1].shape)
        with mixed_precision():
            means = self.encoder(torch.cat([video, noisy]))[0]
        i = self.added % self.count
        self.latents[i], self.first[i] = means[:-1] * LATENT_SCALE, means[-1]
        self.pictures[i] = ((video[0] + 1) * 127.5).round()
        self.numbers[i] = torch.tensor([scene.fps_id, scene.motion_bucket_id, cond_aug])
        self.added += 1

    def batch(self, indices):
        pictures = self.pictures[indices].float() / 127.5 - 1
        return self.latents[indices].float(), self.first[indices].float(), pictures, self.numbers[indices]


def v_loss(unet, clip, batch, sigma, dropped, noise):
    """Mean squared error of the network's output, per sample, for noise levels sigma [B]."""
    latents, first, pictures, numbers = batch
    with mixed_precision():
        context = clip(pictures)
    keep = 1 - dropped.float()
    context = context * keep[:, None, None]
    first = (first * keep[:, None, None, None])[:, None].expand(-1, latents.shape[1], -1, -1, -1)
    s = sigma[:, None, None, None, None]
    x = latents + s * noise
    c_in = 1 / (s * s + 1).sqrt()
    with mixed_precision():
        output = unet(torch.cat([c_in * x, first], dim=2), 0.25 * sigma.log(), context, sinusoids(numbers, 256).flatten(1))
    # D = x / (s^2 + 1) - s / sqrt(s^2 + 1) F should be the latents.
    target = (x / (s * s + 1) - latents) * (s * s + 1).sqrt() / s
    return F.mse_loss(output.float(), target, reduction="none").mean((1, 2, 3, 4))


def normal_quantiles(count, generator=None):
    """One noise level of each of `count` equally likely ranges: normal over many steps, evenly spread in each."""
    u = (torch.arange(count) + torch.rand(count, generator=generator)) / count
    z = torch.special.ndtri(u.clamp(1e-5, 1 - 1e-5).double()).float()
    return torch.exp(LOG_SIGMA_MEAN + LOG_SIGMA_DEVIATION * z)


def averaged(mean, model, keep):
    with torch.no_grad():
        for a, b in zip(mean.parameters(), model.parameters()):
            a.lerp_(b, 1 - keep)


def train(args, rank):
    torch.manual_seed(2)
    encoder = Encoder().requires_grad_(False)
    encoder.load_state_dict(torch.load(f"{args.run}/autoencoder_final.pt", weights_only=True)["encoder"])
    unet, clip = VideoUNet(), ClipTower()
    with torch.no_grad():  # the conditioning latent comes unscaled
        unet.input_blocks[0][0].weight[:, 4:] *= LATENT_SCALE
    if os.path.exists(f"{args.run}/unet_start.pt"):  # export.py --restore
        state = torch.load(f"{args.run}/unet_start.pt", weights_only=True)
        unet.load_state_dict(state["unet"])
        clip.load_state_dict(state["clip"])
    mean_unet, mean_clip = copy.deepcopy(unet), copy.deepcopy(clip)
    optimizer = Optimizers([unet, clip], args.rate, ends=("input_blocks.0.", "out.2", "conv1", "embedding"))
    run = Run(f"{args.run}/unet.pt", args.minutes,
              {"unet": unet, "clip": clip, "mean_unet": mean_unet, "mean_clip": mean_clip, "optimizer": optimizer})

    fixed = Clips(encoder, np.random.default_rng(HELD_OUT), 8)
    clips = Clips(encoder, np.random.default_rng([2, run.step, rank]), CLIPS_KEPT)
    for _ in range(8 if run.first else 0):
        fixed.add()
    for _ in range(20):
        clips.add()

    def check():
        generator = torch.Generator().manual_seed(3)
        losses = []
        with torch.no_grad():
            for half in (range(4), range(4, 8)):
                batch = fixed.batch(list(half))
                noise = torch.randn(batch[0].shape, generator=generator)
                losses += [v_loss(mean_unet, mean_clip, batch, torch.full((4,), s), torch.zeros(4), noise).mean().item()
                           for s in (0.3, 1.0, 3.0, 10.0, 40.0)]
        return " ".join(f"{(a + b) / 2:.4f}" for a, b in zip(losses[:5], losses[5:]))

    torch.manual_seed(100 * run.step + rank)
    shown = 0.0
    for step in run.steps():
        if step % 3 == 0:
            clips.add()
        set_learning_rate(optimizer, learning_rate(run, args.rate))
        batch = clips.batch(torch.randint(min(clips.added, clips.count), (args.batch,)))
        sigma = normal_quantiles(args.batch)[torch.randperm(args.batch)]
        loss = v_loss(unet, clip, batch, sigma, torch.rand(args.batch) < DROP, torch.randn(batch[0].shape)).mean()
        optimizer.zero_grad()
        loss.backward()
        run.average_gradients(optimizer.weights)
        optimizer.step()
        # The average spans some 500 steps while the rate is high, and 30 once it hardly moves the weights.
        keep = 0.97 if run.progress > 0.8 else min(0.998, (step + 1) / (step + 20))
        averaged(mean_unet, unet, keep)
        averaged(mean_clip, clip, keep)
        shown += loss.item()
        if step % 25 == 24:
            run.say(f"step {step + 1} {run.seconds:.0f} s loss {shown / 25:.4f}")
            shown = 0.0
        if step % 250 == 249 and run.first:
            run.say(f"held out, sigma 0.3 1 3 10 40: {check()}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--batch", type=int, default=2, help="of a worker")
    parser.add_argument("--rate", type=float, default=2e-3)
    start(train, parser)


if __name__ == "__main__":
    main()
