"""Where the arithmetic is done, and how exactly. A GPU is used when there is one, and never required."""

from __future__ import annotations


def pick(asked: str = "auto", processes: int = 1) -> str:
    """The device that `asked` means: "auto" is the GPU if torch sees one for every process, else the processor."""
    if asked != "auto":
        return asked
    import torch

    return "cuda" if torch.cuda.is_available() and torch.cuda.device_count() >= processes else "cpu"


def precision(asked: str, device: str) -> str:
    """What "auto" means on the device: half the precision where a GPU multiplies it natively."""
    if asked != "auto":
        return asked
    import torch

    return "bfloat16" if device.startswith("cuda") and torch.cuda.is_bf16_supported() else "float32"
