"""PyTorch to ONNX: one file, dynamic batch and length, checked against PyTorch on real texts."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compressor.deploy import graph
from compressor.deploy.inputs import Inputs, input_names
from compressor.deploy.parity import check_parity
from compressor.deploy.quiet import quiet
from compressor.deploy.rewrites import rewrite
from compressor.errors import StageError
from compressor.events import Events
from compressor.recipe.export import ExportSection
from compressor.runtime.options import read_options, write_options
from compressor.tasks.base import Task
from compressor.tasks.models.checkpoint import load_tokenizer

if TYPE_CHECKING:
    import onnx_ir
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

__all__ = ["export"]


def export(
    section: ExportSection,
    *,
    task: Task,
    model_folder: Path,
    examples: Sequence[Mapping[str, Any]],
    max_length: int,
    out: Path,
    events: Events,
    trust_remote_code: bool = False,
) -> dict[str, Any]:
    """Write the finished model in `model_folder` as `out/model.onnx`, with its config and tokenizer beside it.

    `examples` are rows of role columns (`text`, perhaps `text_pair`) that parity is checked on; without any, a few
    built-in sentences serve.

    Raises:
        SourceError: the folder holds no finished model of this task.
        StageError: the model is too large for one file, or the exporter can't trace it.
        ParityError: the graph doesn't agree with PyTorch within `section.tolerance`.
    """
    events.progress("export: tracing", 0, 2)
    model = task.load_model(model_folder, None, new_head="never", trust_remote_code=trust_remote_code, events=events)
    graph.check_size(model.num_parameters() * 4)
    _set_attention(model, section.attention, events)

    out.mkdir(parents=True, exist_ok=True)
    tokenizer = load_tokenizer(model_folder, trust_remote_code)
    _save_tokenizer(tokenizer, out)
    model.config.save_pretrained(out)
    write_options(read_options(model_folder), out)

    spec = task.spec
    required = [role for role in spec.text_roles if role in spec.roles]
    rows = [_texts(example) for example in examples] or task.runtime.samples(required)
    inputs = Inputs(task, tokenizer, rows, max_length=max_length, names=input_names(model, tokenizer))
    batches = list(inputs.compared())  # Before tracing, which takes longer: a max_length that is too large shows here.
    traced = _trace(model, inputs.traced(), section.opset)
    names = [output.name for output in spec.outputs]
    graph.tidy(traced, outputs=names)
    changed = rewrite(traced) if section.optimize == "fast" else {}
    path = out / graph.MODEL_FILE
    proto = graph.save(traced, path)

    events.progress("export: comparing with PyTorch", 1, 2)
    parity = check_parity(path, model, batches, outputs=names, tolerance=section.tolerance)
    events.progress("export: comparing with PyTorch", 2, 2)
    return {
        "opset": traced.opset_imports[""],
        "attention": model.config._attn_implementation,
        "inputs": [value.name for value in proto.graph.input],
        "nodes": len(proto.graph.node),
        "operators": graph.operators(proto),
        "rewritten": changed,
        "parameters": model.num_parameters(),
        "size_mb": graph.size_mb(path),
        "parity": parity.to_json(),
    }


def _texts(example: Mapping[str, Any]) -> dict[str, str]:
    """The columns of a row that are texts: not its label, not its id."""
    return {role: value for role, value in example.items() if role != "label" and isinstance(value, str)}


def _save_tokenizer(tokenizer: PreTrainedTokenizerBase, out: Path) -> None:
    """Write tokenizer.json and tokenizer_config.json, without traces of how it was loaded and used here."""
    for key in ("is_local", "local_files_only"):
        tokenizer.init_kwargs.pop(key, None)
    # Whoever calls it decides these; a file that fixes them pads every text to that length in some clients.
    tokenizer.backend_tokenizer.no_truncation()
    tokenizer.backend_tokenizer.no_padding()
    tokenizer.save_pretrained(out)


def _set_attention(model: PreTrainedModel, attention: str, events: Events) -> None:
    """Choose the attention implementation; a model that has only its own keeps it."""
    with quiet(), contextlib.suppress(ValueError):
        model.set_attn_implementation(attention)
    chosen = model.config._attn_implementation
    if chosen != attention:
        events.note(f"{type(model).__name__} has no {attention} attention: exported with {chosen}.")


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
