"""What the training scripts share: workers, a clock, checkpoints, pauses, the learning rate."""

import math
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing

from optimizer import sum_over_workers


class Run:
    """Training for a given time, by one worker or several that average their gradients.

    It can be interrupted: the state is kept in a file and the clock goes on from there. While the file that the
    environment variable SVD_DEMO_PAUSE names exists, training waits (the machine may be needed for a measurement).
    """

    def __init__(self, path, minutes, objects, save_every=120):
        self.path, self.budget, self.objects, self.save_every = Path(path), 60 * minutes, objects, save_every
        self.step, self.seconds = 0, 0.0
        self.workers = dist.get_world_size() if dist.is_initialized() else 1
        self.first = self.workers == 1 or dist.get_rank() == 0
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self.path.exists():
            state = torch.load(self.path, weights_only=True)
            self.step, self.seconds = state["step"], state["seconds"]
            for name, thing in objects.items():
                thing.load_state_dict(state[name])
            self.say(f"resumed {path} at step {self.step}, {self.seconds:.0f} s")
        self.saved = self.seconds

    @property
    def progress(self):
        return min(self.seconds / self.budget, 1.0)

    def say(self, text):
        if self.first:
            print(text, flush=True)

    def save(self):
        if self.first:
            state = {name: thing.state_dict() for name, thing in self.objects.items()}
            state |= {"step": self.step, "seconds": self.seconds}
            part = self.path.with_suffix(".part")
            torch.save(state, part)
            os.replace(part, self.path)
        self.saved = self.seconds

    def steps(self):
        pause = os.environ.get("SVD_DEMO_PAUSE")
        while self.seconds < self.budget:
            while pause and os.path.exists(pause):
                time.sleep(2)
            start = time.monotonic()
            yield self.step
            self.step += 1
            self.seconds += self.average(time.monotonic() - start)
            if self.seconds - self.saved > self.save_every:
                self.save()
        self.save()

    def average(self, value):
        """Of all workers: they agree on the time and so take the same steps."""
        if self.workers == 1:
            return value
        total = torch.tensor(value, dtype=torch.float64)
        dist.all_reduce(total)
        return total.item() / self.workers

    def average_gradients(self, weights):
        gradients = [p.grad for p in weights if p.grad is not None]
        sum_over_workers(gradients)
        for g in gradients:
            g /= self.workers


def _work(rank, train, args, rendezvous):
    torch.set_num_threads(args.threads)
    if args.workers > 1:
        dist.init_process_group("gloo", init_method=f"file://{rendezvous}", rank=rank, world_size=args.workers)
    train(args, rank)


def start(train, parser):
    """Runs train(args, rank) in every worker. One thread each is fastest: they meet once a step, not in every operation."""
    parser.add_argument("--run", default="run", help="folder of the training's files")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--threads", type=int, default=1, help="of a worker")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # a normal end, which takes the workers along
    with tempfile.TemporaryDirectory() as folder:
        torch.multiprocessing.spawn(_work, (train, args, f"{folder}/workers"), nprocs=args.workers, daemon=True)


def learning_rate(run, peak, warmup=100, hold=0.4):
    """Linear warm-up, constant, then half a cosine down to a hundredth by the end of the time."""
    down = max(run.progress - hold, 0.0) / (1 - hold)
    return peak * min((run.step + 1) / warmup, 1.0) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * down)))


def set_learning_rate(optimizer, value):
    for group in optimizer.param_groups:
        group["lr"] = value
