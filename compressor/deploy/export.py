"""PyTorch to ONNX: one file, dynamic batch and length, checked against PyTorch on real texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compressor.deploy import graph
from compressor.deploy.rewrites import rewrite
from compressor.deploy.tracer import Tracer
from compressor.events import Events
from compressor.recipe.export import ExportSection
from compressor.runtime.options import read_options, write_options
from compressor.tasks.base import Task
from compressor.tasks.models.checkpoint import load_tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

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
    out.mkdir(parents=True, exist_ok=True)
    tokenizer = load_tokenizer(model_folder, trust_remote_code)
    _save_tokenizer(tokenizer, out)
    write_options(read_options(model_folder), out)
    tracer = Tracer(
        model, tokenizer, task, examples=examples, max_length=max_length, opset=section.opset, events=events
    )
    traced = tracer.graph(section.attention)
    model.config.save_pretrained(out)
    changed = rewrite(traced) if section.optimize != "none" else {}
    path = out / graph.MODEL_FILE
    proto = graph.save(traced, path)

    events.progress("export: comparing with PyTorch", 1, 2)
    parity = tracer.parity(path, section.tolerance)
    events.progress("export: comparing with PyTorch", 2, 2)
    return {
        "opset": traced.opset_imports[""],
        "attention": tracer.attention[section.attention],
        "inputs": [value.name for value in proto.graph.input],
        "nodes": len(proto.graph.node),
        "operators": graph.operators(proto),
        "rewritten": changed,
        "parameters": model.num_parameters(),
        "size_mb": graph.size_mb(path),
        "parity": parity.to_json(),
    }


def _save_tokenizer(tokenizer: PreTrainedTokenizerBase, out: Path) -> None:
    """Write tokenizer.json and tokenizer_config.json, without traces of how it was loaded and used here."""
    for key in ("is_local", "local_files_only"):
        tokenizer.init_kwargs.pop(key, None)
    # Whoever calls it decides these; a file that fixes them pads every text to that length in some clients.
    tokenizer.backend_tokenizer.no_truncation()
    tokenizer.backend_tokenizer.no_padding()
    tokenizer.save_pretrained(out)
