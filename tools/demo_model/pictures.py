"""Makes the pictures that the repository has of the demo model's world.

    python pictures.py                                   # assets/toys.png, tests/demo/scenes/
    python pictures.py --svd ../../build/release/svd     # and docs/images/demo.webp, what the program makes of them
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

import world
from evaluate import sample

TOP = Path(__file__).resolve().parents[2]
PICTURES = {"assets/toys.png": 2_000_134, "tests/demo/scenes/0.png": 2_000_154, "tests/demo/scenes/1.png": 2_000_118}
ANIMATED = [*PICTURES.values(), 2_000_142]


def write_picture(seed, path):
    picture = world.render(world.draw_scene(np.random.default_rng(seed)), [0])[0]
    Image.fromarray((picture * 255).round().astype(np.uint8)).save(path, optimize=True)


def animation(svd, path):
    """Videos of four scenes side by side, at motion_bucket_id 127."""
    with tempfile.TemporaryDirectory() as folder:
        pictures = Path(folder) / "pictures"
        pictures.mkdir()
        for i, seed in enumerate(ANIMATED):
            write_picture(seed, pictures / f"{i}.png")
        videos = sample(svd, folder, pictures, 127, ["--seed_per_picture"])
    frames = [Image.fromarray(np.concatenate(row, axis=1).astype(np.uint8)) for row in zip(*videos)]
    path.parent.mkdir(parents=True, exist_ok=True)
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=1000 // 7, loop=0, quality=90, method=6)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--svd", help="the program")
    args = parser.parse_args()
    for path, seed in PICTURES.items():
        (TOP / path).parent.mkdir(parents=True, exist_ok=True)
        write_picture(seed, TOP / path)
        print(f"{path}: seed {seed}")
    if args.svd:
        animation(args.svd, TOP / "docs/images/demo.webp")
        print("docs/images/demo.webp")


if __name__ == "__main__":
    main()
