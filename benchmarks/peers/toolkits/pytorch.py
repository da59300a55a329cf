"""PyTorch itself, the reference of all answers: eager, in bf16, and through torch.compile."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

TITLE = "PyTorch"
REQUIREMENTS: tuple[str, ...] = ()
VARIANTS = {
    "fp32": "eager",
    "bf16": "eager, weights and activations in bf16",
    "fp32-compiled": "`torch.compile`",
}


def convert(variant: str, given: Mapping[str, Any], out: Path) -> list[Path]:
    model = _load(Path(given["checkpoint"]), variant)
    model.save_pretrained(out)
    return [*out.glob("*.safetensors")]


def open_model(variant: str, folder: Path) -> Callable[[Mapping[str, Any]], Any]:
    import inspect

    import torch

    torch.set_num_threads(1)
    model = _load(folder, variant)
    taken = inspect.signature(model.forward).parameters
    run = torch.compile(model) if variant == "fp32-compiled" else model

    def call(inputs: Mapping[str, Any]) -> Any:
        with torch.inference_mode():
            found = run(**{name: torch.from_numpy(array) for name, array in inputs.items() if name in taken})
        return found.logits.float().numpy()

    return call


def _load(folder: Path, variant: str) -> Any:
    import torch
    from transformers import AutoModelForSequenceClassification

    dtype = torch.bfloat16 if variant == "bf16" else torch.float32
    return AutoModelForSequenceClassification.from_pretrained(folder, dtype=dtype).eval()
