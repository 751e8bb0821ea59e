"""Writes the trained parts as one checkpoint under the names of Stability AI's files, in float16; or takes such a file
apart again, so that training goes on from it.

    python export.py --run DIR --output ../../models/svd_demo.safetensors
    python export.py --run DIR --restore ../../models/svd_demo.safetensors
"""

import argparse
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

PARTS = (  # file, entry, prefix
    ("unet.pt", "mean_unet", "model.diffusion_model."),
    ("unet.pt", "mean_clip", "conditioner.embedders.0.open_clip.model.visual."),
    ("autoencoder_final.pt", "encoder", "conditioner.embedders.3.encoder."),
    ("decoder.pt", "decoder", "first_stage_model."),
)


def export(run, output):
    tensors = {}
    for file, entry, prefix in PARTS:
        if not (run / file).exists() and file == "decoder.pt":
            file = "autoencoder_final.pt"  # works without training over frames
        for name, value in torch.load(run / file, weights_only=True)[entry].items():
            tensors[prefix + name] = value.to(torch.float16).contiguous()
    save_file(tensors, output, metadata={"format": "pt"})
    print(f"{output}: {len(tensors)} tensors, {sum(t.numel() for t in tensors.values()) / 1e6:.1f} M parameters")


def restore(checkpoint, run):
    """autoencoder_final.pt as it was; autoencoder_start.pt and unet_start.pt for what training would start at random."""
    tensors = load_file(checkpoint)
    parts = {entry: {name.removeprefix(prefix): value.float() for name, value in tensors.items() if name.startswith(prefix)}
             for _, entry, prefix in PARTS}
    run.mkdir(parents=True, exist_ok=True)
    for file in ("autoencoder_final.pt", "autoencoder_start.pt"):
        torch.save({key: parts[key] for key in ("encoder", "decoder")}, run / file)
    torch.save({"unet": parts["mean_unet"], "clip": parts["mean_clip"]}, run / "unet_start.pt")
    print(f"{run}: autoencoder_final.pt, autoencoder_start.pt and unet_start.pt from {checkpoint}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, default="run", help="folder of the training's files")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--output", type=Path, help="checkpoint to write")
    which.add_argument("--restore", type=Path, help="checkpoint to take apart")
    args = parser.parse_args()
    if args.output:
        export(args.run, args.output)
    else:
        restore(args.restore, args.run)


if __name__ == "__main__":
    main()
