"""Measures the demo model by the program's own output, on held-out scenes of its world.

    python evaluate.py --svd ../../build/release/svd [--checkpoint FILE] [--scenes 32] [--strips FOLDER] [--videos FOLDER]

Renders scenes that training has not seen (fixed seeds), runs `svd sample --version svd_demo` on their first frames with
motion_bucket_id 32, 127 and 224, and prints for each of these

- first frame: PSNR between the picture and the video's first frame;
- sharpness: mean absolute difference of neighbouring pixels in frames 2 to 14, divided by the picture's;
- coherence: mean correlation of neighbouring frames, minus the mean, both pixel by pixel;
- motion: mean absolute difference of neighbouring frames in 8-bit steps, and beside it that of the world itself;
- clear motion: the same, but pixels that change by no more than 5 steps count as still, which leaves flicker out.

Needs numpy, Pillow and ffmpeg. Exit code 1 when a goal is missed.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

import world

FIRST_SEED = 2_000_000  # of the scenes; training's seeds are others
MOTIONS = (32, 127, 224)
FLICKER = 5.0  # 8-bit steps
GOALS = {"first frame": 24.0, "sharpness": 0.8, "motion ratio": 1.5}


def frames_of(video):
    raw = subprocess.run(["ffmpeg", "-v", "error", "-i", str(video), "-f", "rawvideo", "-pix_fmt", "rgb24", "-"],
                         check=True, capture_output=True).stdout
    return np.frombuffer(raw, np.uint8).reshape(-1, world.HEIGHT, world.WIDTH, 3).astype(np.float32)


def sharpness(picture):
    return np.abs(np.diff(picture, axis=-2)).mean() + np.abs(np.diff(picture, axis=-3)).mean()


def correlation(a, b):
    a, b = a - a.mean(), b - b.mean()
    return (a * b).mean() / np.sqrt((a * a).mean() * (b * b).mean())


def motion(frames, least=0.0):
    """Mean change of a pixel (over its colours) where that is more than `least`."""
    change = np.abs(np.diff(frames, axis=0)).mean(-1)
    return (change * (change > least)).mean()


def measure(picture, frames):
    return {"first frame": 10 * np.log10(255**2 / np.square(frames[0] - picture).mean()),
            "sharpness": sharpness(frames[1:]) / sharpness(picture),
            "coherence": np.mean([correlation(a, b) for a, b in zip(frames[:-1], frames[1:])]),
            "motion": motion(frames), "clear motion": motion(frames, FLICKER)}


def sample(svd, folder, pictures, motion_bucket_id, extra):
    """One run of the program over a folder of pictures; the videos' frames in the same order. Videos that are in the folder
    already are taken as they are."""
    out = Path(folder) / f"motion{motion_bucket_id}"
    made = sorted(out.glob("*.mp4"))
    if len(made) == len(list(Path(pictures).iterdir())):
        return [frames_of(v) for v in made]
    command = [svd, "sample", "--version", "svd_demo", "--input_path", str(pictures), "--output_folder", str(out),
               "--motion_bucket_id", str(motion_bucket_id), "--quiet", *extra]
    videos = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    return [frames_of(v) for v in videos]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--svd", required=True, help="the program")
    parser.add_argument("--checkpoint", help="instead of the model that comes with the program")
    parser.add_argument("--scenes", type=int, default=32)
    parser.add_argument("--videos", help="folder that keeps the videos; those that are there are measured without making them again")
    parser.add_argument("--strips", help="folder for pictures of the videos: every other frame, the world's own below")
    args = parser.parse_args()
    extra = ["--checkpoint", args.checkpoint] if args.checkpoint else []

    means = {}
    with tempfile.TemporaryDirectory() as folder:
        pictures = Path(folder) / "pictures"
        pictures.mkdir()
        videos_folder = args.videos or folder
        seeds = range(FIRST_SEED, FIRST_SEED + args.scenes)
        for seed in seeds:
            _, frames = world.clip_of_seed(seed, fps_id=6)
            Image.fromarray((frames[0] * 255).round().astype(np.uint8)).save(pictures / f"{seed}.png")
        for bucket in MOTIONS:
            videos = sample(args.svd, videos_folder, pictures, bucket, extra)
            rows, truth = [], []
            for seed, frames in zip(seeds, videos, strict=True):
                picture = np.asarray(Image.open(pictures / f"{seed}.png"), np.float32)
                real = world.clip_of_seed(seed, fps_id=6, motion_bucket_id=bucket)[1] * 255
                rows.append(measure(picture, frames))
                truth.append((motion(real), motion(real, FLICKER)))
                if args.strips:
                    Path(args.strips).mkdir(parents=True, exist_ok=True)
                    strip = np.concatenate([np.concatenate(v[::2], axis=1) for v in (frames, real)])
                    Image.fromarray(strip.astype(np.uint8)).save(Path(args.strips) / f"{seed}_{bucket}.png")
            means[bucket] = {key: float(np.mean([row[key] for row in rows])) for key in rows[0]}
            m, (world_motion, clear_world_motion) = means[bucket], np.mean(truth, axis=0)
            print(f"motion_bucket_id {bucket}: first frame {m['first frame']:.2f} dB, sharpness {m['sharpness']:.3f}, "
                  f"coherence {m['coherence']:.4f}, motion {m['motion']:.3f} (world {world_motion:.3f}), "
                  f"clear motion {m['clear motion']:.3f} (world {clear_world_motion:.3f})", flush=True)

    motions = [means[bucket]["motion"] for bucket in MOTIONS]
    result = {"first frame": np.mean([m["first frame"] for m in means.values()]),
              "sharpness": np.mean([m["sharpness"] for m in means.values()]),
              "motion ratio": motions[-1] / motions[0] if motions == sorted(motions) else 0.0}
    for key, goal in GOALS.items():
        print(f"{key}: {result[key]:.3f}, goal {goal} {'reached' if result[key] >= goal else 'MISSED'}")
    return 0 if all(result[key] >= goal for key, goal in GOALS.items()) else 1


if __name__ == "__main__":
    sys.exit(main())
