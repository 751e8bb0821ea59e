"""bfloat16 where the processor multiplies it. Elsewhere it would be emulated, many times slower than float32."""

import torch

FAST_TYPE = torch.bfloat16 if torch.cpu._is_avx512_bf16_supported() else torch.float32


def mixed_precision():
    return torch.autocast("cpu", dtype=torch.bfloat16, enabled=FAST_TYPE == torch.bfloat16)
