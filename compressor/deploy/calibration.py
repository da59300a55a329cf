"""Training examples for quantizers that choose scales by what a model computes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from compressor.task_specs import DEFAULT_TASK, task_spec

__all__ = ["Calibration"]


@dataclass(frozen=True)
class Calibration:
    """Examples of the training split: what is chosen by them must never have seen the test split."""

    examples: Sequence[Mapping[str, str]]
    """Texts by role: `text`, perhaps `text_pair`."""
    max_length: int
    """Tokens that a text is cut to."""
    task: str = DEFAULT_TASK

    @classmethod
    def of_samples(cls, max_length: int, task: str) -> Calibration:
        """Sentences that come with the program, to try a model on where there are no data."""
        from compressor.runtime.tasks import runtime_task

        spec = task_spec(task)
        roles = [role for role in spec.text_roles if role in spec.roles]
        return cls(runtime_task(task).samples(roles), max_length, task)

    def feeds(self, source: Path, batch_size: int = 1) -> Iterator[dict[str, npt.NDArray[np.int64]]]:
        """Inputs for the graph in the file `source`, which has its tokenizer beside it, each [batch, sequence].

        One row at a time is how a bundle answers; a larger batch pads its shorter texts.
        """
        import onnx

        from compressor.runtime.encoder import Encoder
        from compressor.runtime.tasks import runtime_task

        taken = [value.name for value in onnx.load(source, load_external_data=False).graph.input]
        encoder = Encoder.from_folder(source.parent, self.max_length)
        rows = runtime_task(self.task).encode(encoder, self.examples).rows
        for start in range(0, len(rows), batch_size):
            inputs = encoder.pad(rows[start : start + batch_size])
            yield {name: inputs[name] for name in taken}
