"""The reference: the model in PyTorch, eager, fp32 or bf16. Imported in a worker for torch subjects only."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import numpy.typing as npt
import torch
import transformers

from compressor.architectures import auto_class
from compressor.bench.engine import Arrays
from compressor.bench.placement import Placement
from compressor.bench.subject import Subject
from compressor.errors import TargetUnavailable
from compressor.task_specs import task_spec

__all__ = ["TorchEngine"]

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


class TorchEngine:
    """A model folder through transformers. A text's answer doesn't depend on its batch beyond rounding, so accuracy is
    taken in batches.

    Raises:
        TargetUnavailable: PyTorch can't use the device, or would run the model elsewhere or in another precision.
    """

    accuracy_batch = 32

    def __init__(self, subject: Subject, placement: Placement) -> None:
        if placement.device not in ("cpu", "cuda"):
            raise TargetUnavailable(f"PyTorch doesn't run on {placement.device}.")
        if placement.device == "cuda" and not torch.cuda.is_available():
            raise TargetUnavailable("PyTorch finds no GPU it can use.")
        torch.set_num_threads(placement.threads)
        transformers.logging.set_verbosity_error()
        transformers.logging.disable_progress_bar()
        self._device = torch.device(placement.device)
        self._stays = placement.io_binding
        dtype = _DTYPES[subject.precision]
        spec = task_spec(subject.task)
        self._outputs = [output.name for output in spec.outputs]
        self.model: Any = auto_class(spec.auto_class).from_pretrained(
            subject.folder,
            dtype=dtype,
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=subject.trust_remote_code,
        )
        self.model.eval().to(self._device)
        assert_parameters(self.model, dtype, self._device)
        self._known = set(inspect.signature(self.model.forward).parameters)

    def place(self, inputs: Arrays) -> Arrays | dict[str, torch.Tensor]:
        """With `io_binding` on the device; else they are copied there within `compute`."""
        if not self._stays:
            return inputs
        placed = self.on_device(inputs)
        self._wait()
        return placed

    def compute(self, placed: Any) -> Any:
        """The task's outputs as tensors: with `io_binding` on the device, else copied to the host."""
        given = placed if self._stays else self.on_device(placed)
        with torch.inference_mode():
            answered = self.model(**given)
        outputs = [answered[name] for name in self._outputs]
        if self._stays:
            self._wait()
            return outputs
        # Copying to the host waits for the device.
        return [output.float().cpu() for output in outputs]

    def collect(self, outputs: Sequence[torch.Tensor]) -> list[npt.NDArray[Any]]:
        return [output.float().cpu().numpy() for output in outputs]

    def multiply_adds(self, inputs: Arrays) -> int:
        """Counted by PyTorch in one pass. Attention is computed as plain matrix products for it: the fused kernel of
        the CPU is one that PyTorch doesn't count."""
        from torch.nn.attention import SDPBackend, sdpa_kernel
        from torch.utils.flop_counter import FlopCounterMode

        counter = FlopCounterMode(display=False)
        with torch.inference_mode(), sdpa_kernel(SDPBackend.MATH), counter:
            self.model(**self.on_device(inputs))
        return int(counter.get_total_flops()) // 2

    def on_device(self, inputs: Arrays) -> dict[str, torch.Tensor]:
        """Those inputs that the model takes."""
        return {name: torch.from_numpy(array).to(self._device) for name, array in inputs.items() if name in self._known}

    def _wait(self) -> None:
        """A GPU computes while Python goes on: without this, the clock would stop too soon."""
        if self._device.type == "cuda":
            torch.cuda.synchronize()


def assert_parameters(model: torch.nn.Module, dtype: torch.dtype, device: torch.device) -> None:
    """That every floating-point parameter has this type, and every parameter is on this device: what was asked for
    and what is may differ, for modules that a model keeps in fp32.

    Raises:
        TargetUnavailable: one doesn't.
    """
    for name, parameter in model.named_parameters():
        if parameter.device.type != device.type:
            raise TargetUnavailable(f"{name} is on {parameter.device}, and {device} was asked for.")
        if parameter.is_floating_point() and parameter.dtype != dtype:
            raise TargetUnavailable(f"{name} is {parameter.dtype}, and {dtype} was asked for.")
