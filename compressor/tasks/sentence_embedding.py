"""Sentence embedding: a text as a vector."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from compressor.architectures import auto_class
from compressor.errors import DataError, RecipeError, SourceError
from compressor.events import Events, Silent
from compressor.json_file import BadJson, read_object
from compressor.runtime.options import read_options
from compressor.runtime.tasks import Encoded, RuntimeTask
from compressor.runtime.tasks.base import NO_OPTIONS
from compressor.runtime.tasks.sentence_embedding import DIMENSIONS, OUTPUT, POOLING, POOLINGS
from compressor.runtime.tasks.sentence_embedding import TASK as RUNTIME
from compressor.tasks.base import NewHead, Supervised, Task
from compressor.tasks.models.checkpoint import quiet_transformers, refusals_explained
from compressor.tasks.models.loading import check_body, prepare_decoder

if TYPE_CHECKING:
    import torch
    from datasets import Dataset
    from transformers import PreTrainedModel

__all__ = ["MODULES_FILE", "POOLING_MODES", "TASK", "SentenceEmbedding"]

_IN_CONFIG = "sentence_embedding"
"""The key of `config.json` that keeps the options beside a loaded model."""
_POOLING_FILE = "1_Pooling/config.json"
"""Where sentence-transformers says how it pools."""
MODULES_FILE = "modules.json"
"""Where it lists what a model is made of."""
POOLING_MODES = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls"}
"""Its name of each pooling that can be done."""


class SentenceEmbedding(Task):
    """A bare model of `transformers`: hidden states [batch, sequence, hidden], pooled to one vector a text."""

    runtime: ClassVar[RuntimeTask] = RUNTIME

    def load_model(
        self,
        folder: Path,
        labels: Sequence[str] | None,
        *,
        new_head: NewHead = "if-needed",
        trust_remote_code: bool = False,
        events: Events = Silent(),  # noqa: B008  # stateless
    ) -> PreTrainedModel:
        """There is no head. A head that the checkpoint has is left behind.

        Raises:
            SourceError: as the base says, or the folder asks for a pooling that isn't known.
        """
        with quiet_transformers(), refusals_explained(folder):
            model, loaded = auto_class(self.spec.auto_class).from_pretrained(
                folder,
                dtype="float32",
                use_safetensors=True,
                output_loading_info=True,
                local_files_only=True,
                trust_remote_code=trust_remote_code,
            )
        check_body(folder, model, set(loaded["missing_keys"]) | {key for key, *_ in loaded["mismatched_keys"]})
        prepare_decoder(model, folder, trust_remote_code)
        setattr(model.config, _IN_CONFIG, _options_of(folder, model.config))
        found: PreTrainedModel = model.eval()
        return found

    def options(self, model: PreTrainedModel) -> dict[str, Any]:
        return dict(getattr(model.config, _IN_CONFIG, {}))

    def choose(self, model: PreTrainedModel, answers: Mapping[str, Any]) -> None:
        """Set pooling and dimensions.

        Raises:
            RecipeError: more dimensions than the model's vectors have.
        """
        width, wanted = model.config.hidden_size, answers.get(DIMENSIONS)
        if wanted is not None and wanted > width:
            raise RecipeError(
                f"student.answers.dimensions is {wanted}, and the student's vectors have {width} numbers.",
                hint=f"Give at most {width}.",
            )
        setattr(model.config, _IN_CONFIG, {**self.options(model), **answers})

    def rows_together(self, dataset: Dataset, *, whole_examples: bool = False) -> int:
        return 2 if whole_examples or "labels" in dataset.column_names else 1

    def labels(self, encoded: Encoded, targets: Sequence[Any], names: Sequence[str]) -> list[float]:
        if len(encoded.rows) != 2 * len(targets):
            raise DataError("A score is of a pair of texts.", hint="Name the column of the other text: text_pair.")
        scores = (targets[owner] for owner in encoded.example_of_row.tolist())
        return [np.nan if score is None else float(score) for score in scores]

    def reduce(
        self,
        outputs: Mapping[str, torch.Tensor],
        batch: Mapping[str, torch.Tensor],
        options: Mapping[str, Any] = NO_OPTIONS,
    ) -> dict[str, torch.Tensor]:
        import torch

        hidden, attended = outputs[OUTPUT].float(), batch["attention_mask"].unsqueeze(-1).float()
        pooled = (
            hidden[:, 0]
            if options.get(POOLING) == "cls"
            else (hidden * attended).sum(dim=1) / attended.sum(dim=1).clamp(min=1)
        )
        return {OUTPUT: torch.nn.functional.normalize(pooled[:, : options.get(DIMENSIONS)], dim=-1)}

    def supervised(
        self,
        student: Mapping[str, torch.Tensor],
        batch: Mapping[str, torch.Tensor],
        teacher: Mapping[str, torch.Tensor] | None = None,
    ) -> list[Supervised]:
        (found,) = super().supervised(student, batch, teacher)
        if found.labels is None:
            return [found]
        # The score belongs to the first row of a pair, where the second one follows it in this batch.
        rows = batch["row_id"]
        labels = found.labels.float().clone()
        labels[:-1][(rows[:-1] % 2 == 1) | (rows[1:] != rows[:-1] + 1)] = np.nan
        labels[-1] = np.nan
        return [Supervised(found.likelihood, found.student, labels, found.teacher)]


def _options_of(folder: Path, config: Any) -> dict[str, Any]:
    """Those written beside the model, or in its config; else what sentence-transformers says; else mean pooling."""
    known = read_options(folder) or dict(getattr(config, _IN_CONFIG, {})) or _sentence_transformers(folder)
    _refuse_dense(folder)
    found = {POOLING: POOLINGS[0], **{key: known[key] for key in (POOLING, DIMENSIONS) if known.get(key) is not None}}
    if found[POOLING] not in POOLINGS:
        raise SourceError(
            f"{folder} asks for the pooling {found[POOLING]!r}.", hint=f"What can be done: {', '.join(POOLINGS)}."
        )
    dimensions = found.get(DIMENSIONS)
    if dimensions is not None and (not isinstance(dimensions, int) or dimensions < 1):
        raise SourceError(f"{folder} asks for {dimensions!r} dimensions.", hint="Give a whole number, at least 1.")
    return found


def _refuse_dense(folder: Path) -> None:
    """Layers after the pooling are no part of the model that is loaded: without them its vectors would be others."""
    modules = folder / MODULES_FILE
    if modules.is_file() and ".Dense" in modules.read_text(encoding="utf-8", errors="replace"):
        raise SourceError(
            f"{folder} has a dense layer after its pooling, which isn't read.",
            hint=f"Take a model without one; its {MODULES_FILE} lists the layers.",
        )


def _sentence_transformers(folder: Path) -> dict[str, Any]:
    if not (folder / _POOLING_FILE).is_file():
        return {}
    try:
        said = read_object(folder / _POOLING_FILE)
    except BadJson as error:
        raise SourceError(f"{folder / _POOLING_FILE} can't be read: {error}.", hint="Get the model again.") from error
    if isinstance(said.get("pooling_mode"), str):
        return {POOLING: said["pooling_mode"]}
    modes = [name for name, on in said.items() if name.startswith("pooling_mode_") and on is True]
    return {POOLING: POOLING_MODES.get(modes[0], modes[0]) if len(modes) == 1 else " + ".join(modes)}


TASK = SentenceEmbedding()
