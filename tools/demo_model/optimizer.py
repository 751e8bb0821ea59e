"""Muon for the matrices, AdamW for everything else.

Muon makes every update of a matrix nearly orthogonal, so all its directions learn at the same pace. Networks of this size
get to the same loss in roughly half the steps of AdamW alone, which is what counts on a CPU.
"""

import torch


def nearly_orthogonal(m, rounds=5):
    """Brings the singular values of [rows, columns] close to 1 by Newton-Schulz iterations (a quintic polynomial)."""
    wide = m.shape[0] <= m.shape[1]
    x = m if wide else m.T
    x = (x / (x.norm() + 1e-7)).bfloat16()
    for _ in range(rounds):
        square = x @ x.T
        x = 3.4445 * x + (-4.7750 * square + 2.0315 * square @ square) @ x
    return (x if wide else x.T).float()


class Muon(torch.optim.Optimizer):
    def __init__(self, weights, lr, momentum=0.95, weight_decay=0.01):
        super().__init__(weights, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if "buffer" not in state:
                    state["buffer"] = torch.zeros_like(p)
                buffer = state["buffer"].lerp_(p.grad, 1 - group["momentum"])
                update = p.grad.lerp(buffer, group["momentum"]).reshape(p.shape[0], -1)
                # The size of a typical AdamW update, so that both take the same rate.
                size = 0.2 * max(update.shape) ** 0.5
                p.mul_(1 - group["lr"] * group["weight_decay"])
                p.add_(nearly_orthogonal(update).reshape(p.shape), alpha=-group["lr"] * size)


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
