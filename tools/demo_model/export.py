"""Writes the trained parts as one checkpoint under the names of Stability AI's files, in float16.

    python export.py --run DIR --output ../../models/svd_demo.safetensors
"""

import argparse
from pathlib import Path

import torch
from safetensors.torch import save_file

PARTS = (  # file, entry, prefix
    ("unet.pt", "mean_unet", "model.diffusion_model."),
    ("unet.pt", "mean_clip", "conditioner.embedders.0.open_clip.model.visual."),
    ("autoencoder_final.pt", "encoder", "conditioner.embedders.3.encoder."),
    ("decoder.pt", "decoder", "first_stage_model."),
)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", default="run", help="folder of the training's files")
    parser.add_argument("--output", required=True)
    args = parser.parse_args()
    tensors = {}
    for file, entry, prefix in PARTS:
        if not Path(args.run, file).exists() and file == "decoder.pt":
            file = "autoencoder_final.pt"  # works without training over frames
        for name, value in torch.load(Path(args.run, file), weights_only=True)[entry].items():
            tensors[prefix + name] = value.to(torch.float16).contiguous()
    save_file(tensors, args.output, metadata={"format": "pt"})
    print(f"{args.output}: {len(tensors)} tensors, {sum(t.numel() for t in tensors.values()) / 1e6:.1f} M parameters")


if __name__ == "__main__":
    main()
