"""A finished model as ONNX graphs, traced once for each attention implementation, and the answers they must give."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compressor.deploy import graph
from compressor.deploy.inputs import Inputs, input_names
from compressor.deploy.parity import Parity, check_parity
from compressor.deploy.quiet import quiet
from compressor.errors import StageError
from compressor.events import Events
from compressor.tasks.base import Task

if TYPE_CHECKING:
    import onnx_ir
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

__all__ = ["Tracer"]


class Tracer:
    """A PyTorch model that is turned into graphs, and compared with files made of them."""

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        task: Task,
        *,
        examples: Sequence[Mapping[str, Any]],
        max_length: int,
        opset: int | None,
        events: Events,
    ) -> None:
        """
        Args:
            examples: rows of role columns (`text`, perhaps `text_pair`) that graphs are compared on; without any, a few
                built-in sentences serve.
            max_length: in tokens; longer texts are cut.

        Raises:
            DataError: `max_length` is more than the model has positions for.
        """
        self.model = model
        self.outputs = [output.name for output in task.spec.outputs]
        self._opset, self._events = opset, events
        required = [role for role in task.spec.text_roles if role in task.spec.roles]
        rows = [_texts(example) for example in examples] or task.runtime.samples(required)
        inputs = Inputs(task, tokenizer, rows, max_length=max_length, names=input_names(model, tokenizer))
        # Before tracing, which takes longer: a max_length that is too large shows here.
        self._batches, self._traced = list(inputs.compared()), inputs.traced()
        self._graphs: dict[str, onnx_ir.Model] = {}
        self.attention: dict[str, str] = {}
        """Of each graph that was asked for: the implementation asked for -> the one it has."""

    def graph(self, attention: str) -> onnx_ir.Model:
        """The model with this attention implementation, tidied, for the caller to change.

        A model that has only its own implementation keeps it, and a note says so.

        Raises:
            StageError: the exporter can't trace it, or gives other inputs and outputs than those of the task.
        """
        if attention in self._graphs:
            return self._graphs[attention].clone()
        self.attention[attention] = _set_attention(self.model, attention, self._events)
        traced = _trace(self.model, self._traced, self._opset)
        graph.tidy(traced, outputs=self.outputs)
        self._graphs[attention] = traced.clone()
        return traced

    def parity(self, path: Path, tolerance: float) -> Parity:
        """How far the file is from PyTorch, on texts of several shapes.

        Raises:
            ParityError: further than `tolerance`, or it isn't finite.
        """
        return check_parity(path, self.model, self._batches, outputs=self.outputs, tolerance=tolerance)


def _texts(example: Mapping[str, Any]) -> dict[str, str]:
    """The columns of a row that are texts: not its label, not its id."""
    return {role: value for role, value in example.items() if role != "label" and isinstance(value, str)}


def _set_attention(model: PreTrainedModel, attention: str, events: Events) -> str:
    """Choose the attention implementation; a model that has only its own keeps it. Returns the one that it has."""
    with quiet(), contextlib.suppress(ValueError):
        model.set_attn_implementation(attention)
    chosen = str(model.config._attn_implementation)
    if chosen != attention:
        events.note(f"{type(model).__name__} has no {attention} attention: exported with {chosen}.")
    return chosen


def _trace(model: PreTrainedModel, inputs: dict[str, torch.Tensor], opset: int | None) -> onnx_ir.Model:
    """The model as an ONNX graph in memory, batch and length left open.

    Raises:
        StageError: the exporter can't trace this model.
    """
    import torch
    from transformers.exporters import OnnxConfig, OnnxExporter

    either = {0: torch.export.Dim.AUTO, 1: torch.export.Dim.AUTO}
    config = OnnxConfig(dynamic=True, dynamic_shapes=dict.fromkeys(inputs, either), opset_version=opset)
    try:
        with quiet():
            program: onnx_ir.Model = OnnxExporter().export(model, inputs, config=config).program
    except (RuntimeError, ValueError, TypeError, AttributeError, KeyError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise StageError(
            f"{type(model).__name__} can't be exported: {reason}",
            hint="Try the other export.attention, leave export.opset out, or take another architecture.",
        ) from error
    if opset not in (None, program.opset_imports[""]):
        raise StageError(f"The exporter doesn't know opset {opset}.", hint="Leave export.opset out: it takes its own.")
    return program
