"""Muon for the matrices, AdamW for everything else.

Muon makes every update of a matrix nearly orthogonal, so all its directions learn at the same pace. Networks of this size
get to the same loss in roughly half the steps of AdamW alone, which is what counts on a CPU.
"""

import torch
import torch.distributed as dist

from precision import FAST_TYPE


def sum_over_workers(tensors):
    """In place; every worker gives tensors of the same shapes."""
    if not dist.is_initialized():
        return
    together = torch.cat([t.flatten() for t in tensors])
    dist.all_reduce(together)
    for t, total in zip(tensors, together.split([t.numel() for t in tensors])):
        t.copy_(total.view(t.shape))


def nearly_orthogonal(m, rounds=5):
    """Brings the singular values of [rows, columns] close to 1 by Newton-Schulz iterations (a quintic polynomial)."""
    wide = m.shape[0] <= m.shape[1]
    x = m if wide else m.T
    x = (x / (x.norm() + 1e-7)).to(FAST_TYPE)
    for _ in range(rounds):
        square = x @ x.T
        x = 3.4445 * x + (-4.7750 * square + 2.0315 * square @ square) @ x
    return (x if wide else x.T).float()


class Muon(torch.optim.Optimizer):
    """With several workers, each makes the updates of some of the matrices and all exchange them."""

    def __init__(self, weights, lr, momentum=0.95, weight_decay=0.01):
        super().__init__(weights, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})
        self.workers = dist.get_world_size() if dist.is_initialized() else 1
        self.rank = dist.get_rank() if dist.is_initialized() else 0

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            weights = [p for p in group["params"] if p.grad is not None]
            updates = [torch.zeros_like(p) for p in weights]
            for i, (p, update) in enumerate(zip(weights, updates)):
                state = self.state[p]
                if "buffer" not in state:
                    state["buffer"] = torch.zeros_like(p)
                buffer = state["buffer"].lerp_(p.grad, 1 - group["momentum"])
                if i % self.workers == self.rank:
                    direction = p.grad.lerp(buffer, group["momentum"]).reshape(p.shape[0], -1)
                    # The size of a typical AdamW update, so that both take the same rate.
                    size = 0.2 * max(direction.shape) ** 0.5
                    update += size * nearly_orthogonal(direction).reshape(p.shape)
            sum_over_workers(updates)
            for p, update in zip(weights, updates):
                p.mul_(1 - group["lr"] * group["weight_decay"])
                p.add_(update, alpha=-group["lr"])


class Optimizers:
    """Both, used as one. `ends` names the parameters at the ends of the network, which are AdamW's."""

    def __init__(self, modules, lr, ends=()):
        named = [(name, p) for module in modules for name, p in module.named_parameters()]
        is_matrix = lambda name, p: p.ndim >= 2 and not any(end in name for end in ends)  # noqa: E731
        self.weights = [p for _, p in named]
        self.parts = [Muon([p for n, p in named if is_matrix(n, p)], lr=lr),
                      torch.optim.AdamW([p for n, p in named if not is_matrix(n, p)], lr=lr, betas=(0.9, 0.98), weight_decay=0)]

    @property
    def param_groups(self):
        return [group for part in self.parts for group in part.param_groups]

    def step(self):
        torch.nn.utils.clip_grad_norm_(self.weights, 1.0)
        for part in self.parts:
            part.step()

    def zero_grad(self):
        for p in self.weights:
            p.grad = None

    def state_dict(self):
        return {str(i): part.state_dict() for i, part in enumerate(self.parts)}

    def load_state_dict(self, state):
        for i, part in enumerate(self.parts):
            part.load_state_dict(state[str(i)])
