"""Makes the pictures of the world that the repository has: python pictures.py (writes assets/toys.png, tests/demo/scenes)."""

from pathlib import Path

import numpy as np
from PIL import Image

import world

TOP = Path(__file__).resolve().parents[2]
PICTURES = {"assets/toys.png": 2_000_115, "tests/demo/scenes/0.png": 2_000_109, "tests/demo/scenes/1.png": 2_000_116,
            "tests/demo/scenes/2.png": 2_000_127}


def main():
    for path, seed in PICTURES.items():
        (TOP / path).parent.mkdir(parents=True, exist_ok=True)
        picture = world.render(world.draw_scene(np.random.default_rng(seed)), [0])[0]
        Image.fromarray((picture * 255).round().astype(np.uint8)).save(TOP / path, optimize=True)
        print(f"{path}: seed {seed}")


if __name__ == "__main__":
    main()
