"""A tiny bundle of each task with the variants fp32, int8 (`q8`) and int4 (`q4`), random weights."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from compressor.deploy.bundle import BundlePlan, write_bundle
from compressor.deploy.export import export
from compressor.deploy.quantize import quantize
from compressor.deploy.quantize.dynamic import DynamicQuantization
from compressor.deploy.quantize.weights import WeightQuantization
from compressor.events import Silent
from compressor.recipe.export import ExportSection
from compressor.task_specs import task_spec
from compressor.tasks import get_task
from tests import tiny

MAX_LENGTH = 24
LABELS = ("bad", "good", "neither")
TAGS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
TEXTS = [text for text, _ in tiny.reviews(4)]
LONG = " ".join(TEXTS[:2] * 5)
"""More tokens than a row has."""
SINGLE = tuple({"text": text} for text in (*TEXTS, "Good, FUNNY film!", LONG))


@dataclass(frozen=True)
class Kind:
    """What a bundle is made of, by task."""

    examples: tuple[dict[str, str], ...]
    labels: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def pairs(self) -> bool:
        """Whether a row holds two texts."""
        return len(self.examples[0]) > 1


QUESTIONS = tuple({key: row[key] for key in ("question", "context")} for row in tiny.questions(5, longest=9))
LONG_QUESTION = {"question": "was it good", "context": LONG}
PAIRS = tuple({"text": text, "text_pair": pair} for text, pair in zip(TEXTS, reversed(TEXTS), strict=True))
KINDS = {
    "text-classification": Kind(SINGLE, LABELS),
    "multi-label-classification": Kind(SINGLE, LABELS, options={"thresholds": [0.5, 0.4, 0.6]}),
    "regression": Kind(SINGLE, ("stars",)),
    "token-classification": Kind(SINGLE, TAGS),
    "question-answering": Kind((*QUESTIONS, LONG_QUESTION)),
    "sentence-embedding": Kind(SINGLE, options={"pooling": "mean"}),
}
PAIR_KIND = Kind(PAIRS, LABELS, roles=("text", "text_pair"))


def write(
    folder: Path,
    task: str,
    kind: Kind,
    *,
    tokenizer_class: str = "PreTrainedTokenizerFast",
    tokenizer_in_graph: bool = False,
) -> Path:
    """A bundle of this task. `tokenizer_class` is what clients take the tokenizer for."""
    model = _write_model(folder / "model", task, kind)
    settings = model / "tokenizer_config.json"
    found = json.loads(settings.read_text(encoding="utf-8")) | {"tokenizer_class": tokenizer_class}
    settings.write_text(json.dumps(found), encoding="utf-8")
    fp32, int8, int4 = (folder / name for name in ("fp32", "int8", "int4"))
    export(
        ExportSection(),
        task=get_task(task),
        model_folder=model,
        examples=list(kind.examples),
        max_length=MAX_LENGTH,
        out=fp32,
        events=Silent(),
    )
    quantize(DynamicQuantization(method="dynamic", reduce_range=True), source=fp32, out=int8, events=Silent())
    quantize(WeightQuantization(method="weights"), source=fp32, out=int4, events=Silent())
    plan = BundlePlan(
        name="tiny",
        task=task,
        labels=kind.labels,
        max_length=MAX_LENGTH,
        variants={"fp32": fp32, "int8": int8, "int4-weights": int4},
        precisions={"int4-weights": "int4"},
        chosen="int8",
        roles=kind.roles,
        options=kind.options,
        examples=kind.examples,
        recipe="name: tiny\n",
        tokenizer_in_graph=tokenizer_in_graph,
    )
    write_bundle(plan, folder / "bundle", card="# tiny\n")
    return folder / "bundle"


def _write_model(folder: Path, task: str, kind: Kind) -> Path:
    """A 1-layer BERT with the head of the task, and weights large enough that a wrong graph shows."""
    import torch
    import transformers
    from transformers import BertConfig

    spec = task_spec(task)
    labels: dict[str, Any] = {
        "id2label": dict(enumerate(kind.labels)),
        "label2id": {label: i for i, label in enumerate(kind.labels)},
    }
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(tiny.VOCABULARY),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
        initializer_range=0.3,
        problem_type=spec.problem_type,
        **(labels if kind.labels else {}),
    )
    getattr(transformers, spec.auto_class).from_config(config).save_pretrained(folder)
    return tiny.write_tokenizer(folder)
