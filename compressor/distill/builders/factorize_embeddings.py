"""Split the table of word embeddings into a narrow one and a projection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from compressor.distill.builders.base import BuilderConfig, Checkpoint
from compressor.errors import RecipeError, StageError

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

    from compressor.distill.architecture import Layout
    from compressor.distill.signals import Batch
    from compressor.tasks.base import Task

__all__ = ["COMPONENT", "FactorizeEmbeddings", "as_electra"]

_TABLES = ("word_embeddings", "position_embeddings", "token_type_embeddings")
_HEAD_EXAMPLES = 1024
"""Texts on which a new head is fitted."""


class FactorizeEmbeddings(BuilderConfig):
    """A BERT as an ELECTRA, whose layers are the same and whose embeddings may be narrower than its hidden states."""

    kind: Literal["factorize-embeddings"] = Field(
        description="Narrow embeddings and a projection in place of the table of word embeddings, by singular values. "
        "For BERT, which becomes an ELECTRA."
    )
    size: int = Field(ge=2, description="Width of the embeddings; less than the width of the model, such as 128.")
    examples: int = Field(
        10_000, ge=1, description="Training texts in which tokens are counted: frequent ones weigh more."
    )

    def build(self, checkpoint: Checkpoint, data: Path | None, task: Task) -> Checkpoint:
        from compressor.distill.architecture import Layout
        from compressor.distill.builders._examples import example_batches, needed

        model = checkpoint.model
        self.layout(Layout.of(model.config))
        batches = example_batches(checkpoint, needed(data, self.kind), task, self.examples)
        made, fresh = as_electra(model, self.size, _frequencies(model, batches))
        if fresh:
            _fit_head(made, model, batches)
        saved = model.num_parameters() - made.num_parameters()
        note = f"embeddings {model.config.hidden_size} -> {self.size} wide, {saved:,} parameters fewer, BERT -> ELECTRA"
        return Checkpoint(made, checkpoint.tokenizer, f"{note} with another head" if fresh else note)

    def layout(self, before: Layout) -> Layout:
        if before.architecture != "bert":
            raise RecipeError(
                f"factorize-embeddings makes an ELECTRA of a BERT, and this is a {before.architecture} model: no "
                "architecture has its layers and narrower embeddings.",
                hint="Leave it out, or cut the vocabulary instead: {kind: vocabulary}.",
            )
        if self.size >= before.hidden_size:
            raise RecipeError(
                f"factorize-embeddings.size is {self.size}, and the model is {before.hidden_size} wide.",
                hint=f"Give less than {before.hidden_size}.",
            )
        return replace(before, architecture="electra")


COMPONENT = FactorizeEmbeddings


def as_electra(
    model: PreTrainedModel, size: int, frequencies: Mapping[str, torch.Tensor]
) -> tuple[PreTrainedModel, list[str]]:
    """A BERT as the ELECTRA of the same kind, with embeddings of this width, and the names of weights that are new.

    With the model's own width, all is copied, and it answers as before. Only the head of a sequence classifier has no
    counterpart, since BERT's pooler ends in tanh and ELECTRA's in GELU: its output layer is new.

    Args:
        frequencies: how often each row of the three tables of embeddings is used, by the table's name.

    Raises:
        StageError: transformers has no ELECTRA for what this BERT does.
    """
    import transformers

    name = type(model).__name__.replace("Bert", "Electra", 1)
    made_class: Any = getattr(transformers, name, None)
    if made_class is None:
        raise StageError(f"transformers has no {name}, which a {type(model).__name__} would become.")
    settings = model.config.to_dict() | {"embedding_size": size}
    config = transformers.ElectraConfig(
        **{key: value for key, value in settings.items() if key not in ("model_type", "architectures")}
    )
    made: PreTrainedModel = made_class(config)
    weights = made.state_dict()
    old = {key.replace("bert.", "electra.", 1): value for key, value in model.state_dict().items()}
    for part in ("weight", "bias"):
        if (pooler := f"electra.pooler.dense.{part}") in old:
            old[f"classifier.dense.{part}"] = old[pooler]
    prefix = f"{made.base_model_prefix}." if made.base_model is not made else ""
    if size != model.config.hidden_size:
        old |= _factors(old, prefix, size, frequencies)
    fresh = [key for key in weights if key not in old]
    made.load_state_dict({**weights, **{key: old[key] for key in weights if key in old}})
    return made.eval(), fresh


def _factors(
    weights: Mapping[str, torch.Tensor], prefix: str, size: int, frequencies: Mapping[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """The tables of word, position and type embeddings in `size` directions, and the way back.

    BERT computes `norm(w + p + t) * gain + bias` in its full width. In the basis P the sum is `P^T (w + p + t)`, and
    normalizing it gives `P^T norm(w + p + t)` but for the factor `sqrt(share * width / size)`, where `share` is what P
    holds of the variance. The projection is therefore `diag(gain) P` times that factor, with BERT's bias.
    """
    import torch

    from compressor.distill.builders._basis import energy_kept, principal_basis

    tables = {name: weights[f"{prefix}embeddings.{name}.weight"] for name in _TABLES}
    norm = f"{prefix}embeddings.LayerNorm"
    mean, spread = torch.zeros(()), torch.zeros(())
    for name, table in tables.items():
        share = frequencies[name] / frequencies[name].sum()
        centre = share @ table
        mean = mean + centre
        spread = spread + (table - centre).T @ ((table - centre) * share[:, None])
    moment = spread + torch.outer(mean, mean)
    basis = principal_basis(moment, size)
    factor = (energy_kept(moment, basis) * len(moment) / size) ** 0.5
    return {
        **{f"{prefix}embeddings.{name}.weight": table @ basis for name, table in tables.items()},
        f"{norm}.weight": torch.ones(size),
        f"{norm}.bias": torch.zeros(size),
        f"{prefix}embeddings_project.weight": weights[f"{norm}.weight"][:, None] * basis * factor,
        f"{prefix}embeddings_project.bias": weights[f"{norm}.bias"],
    }


def _frequencies(model: PreTrainedModel, batches: Sequence[Batch]) -> dict[str, torch.Tensor]:
    """How often each row of the tables of embeddings is used, and once more, since other texts use others."""
    import torch

    words, positions, types = (getattr(model.base_model.embeddings, name).num_embeddings for name in _TABLES)
    found = {name: torch.ones(rows) for name, rows in zip(_TABLES, (words, positions, types), strict=True)}
    for batch in batches:
        attended = batch["attention_mask"].bool()
        found["word_embeddings"] += torch.bincount(batch["input_ids"][attended], minlength=words)
        found["position_embeddings"][: attended.shape[1]] += attended.sum(dim=0)
        found["token_type_embeddings"] += torch.bincount(batch["token_type_ids"][attended], minlength=types)
    return found


def _fit_head(made: Any, model: PreTrainedModel, batches: Sequence[Batch]) -> None:
    """Give a sequence classifier's output layer the weights with which it answers most like `model`: ridge regression
    of the logits on what the layer reads."""
    import torch

    from compressor.distill.outputs import model_inputs

    rows, wanted, count = [], [], 0
    with torch.no_grad():
        for batch in batches:
            inputs = model_inputs(model, batch)
            hidden = made.electra(**inputs)[0][:, 0]
            rows.append(made.classifier.activation(made.classifier.dense(hidden)).double())
            wanted.append(model(**inputs)[0].double())
            count += len(hidden)
            if count >= _HEAD_EXAMPLES:
                break
        read, answers = torch.cat(rows), torch.cat(wanted)
        mean, centre = read.mean(dim=0), answers.mean(dim=0)
        squares = (read - mean).T @ (read - mean)
        ridge = 1e-3 * squares.trace() / len(squares) * torch.eye(len(squares), dtype=torch.float64)
        weight = torch.linalg.solve(squares + ridge, (read - mean).T @ (answers - centre)).T
        made.classifier.out_proj.weight.copy_(weight)
        made.classifier.out_proj.bias.copy_(centre - weight @ mean)
