"""Split the table of word embeddings into a narrow one and a projection."""

from __future__ import annotations

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
    from compressor.tasks.base import Task

__all__ = ["COMPONENT", "FactorizeEmbeddings", "as_electra"]


class FactorizeEmbeddings(BuilderConfig):
    """A BERT as an ELECTRA, whose layers are the same and whose embeddings may be narrower than its hidden states."""

    kind: Literal["factorize-embeddings"] = Field(
        description="Narrow embeddings and a projection in place of the table of word embeddings, by singular values. "
        "For BERT, which becomes an ELECTRA."
    )
    size: int = Field(ge=2, description="Width of the embeddings; less than the width of the model, such as 128.")

    def build(self, checkpoint: Checkpoint, data: Path | None, task: Task) -> Checkpoint:
        from compressor.distill.architecture import Layout

        model = checkpoint.model
        self.layout(Layout.of(model.config))
        made, fresh = as_electra(model, self.size)
        numbers = f"{model.num_parameters() - made.num_parameters():,} parameters fewer"
        new = f"; new: {', '.join(fresh)}" if fresh else ""
        note = f"embeddings {model.config.hidden_size} -> {self.size} wide, BERT -> ELECTRA, {numbers}{new}"
        return Checkpoint(made, checkpoint.tokenizer, note)

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


def as_electra(model: PreTrainedModel, size: int) -> tuple[PreTrainedModel, list[str]]:
    """A BERT as the ELECTRA of the same kind, with embeddings of this width, and the names of weights that are new.

    With the model's own width, all is copied, and it answers as before. Only the head of a sequence classifier has no
    counterpart (BERT's pooler ends in tanh, ELECTRA's in GELU): it is drawn afresh.

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
    width = model.config.hidden_size
    old = {_renamed(key, model, made): value for key, value in model.state_dict().items()}
    prefix = f"{made.base_model_prefix}." if made.base_model is not made else ""
    if size != width:
        old |= _factors(old, f"{prefix}embeddings", size, f"{prefix}embeddings_project")
    fresh = [key for key in weights if key not in old or old[key].shape != weights[key].shape]
    made.load_state_dict({**weights, **{key: old[key] for key in weights if key not in fresh}})
    return made.eval(), fresh


def _renamed(key: str, model: Any, made: Any) -> str:
    return key.replace(f"{model.base_model_prefix}.", f"{made.base_model_prefix}.", 1) if "." in key else key


def _factors(weights: dict[str, torch.Tensor], embeddings: str, size: int, projection: str) -> dict[str, torch.Tensor]:
    """The tables of word, position and type embeddings in `size` directions, and the way back.

    BERT computes `norm(w + p + t) * gain + bias` in its full width. In the basis P the sum is `P^T (w + p + t)`, and
    normalizing it gives `P^T norm(w + p + t)` but for the factor `sqrt(share * width / size)`, where `share` is what P
    holds of the variance. The projection is therefore `diag(gain) P` times that factor, with BERT's bias.
    """
    import torch

    from compressor.distill.builders._basis import energy_kept, principal_basis

    tables = {
        name: weights[f"{embeddings}.{name}.weight"]
        for name in ("word_embeddings", "position_embeddings", "token_type_embeddings")
    }
    mean = torch.stack([table.mean(dim=0) for table in tables.values()]).sum(dim=0)
    spread = torch.stack([table.T.cov(correction=0) for table in tables.values()]).sum(dim=0)
    moment = spread + torch.outer(mean, mean)
    basis = principal_basis(moment, size)
    factor = (energy_kept(moment, basis) * len(moment) / size) ** 0.5
    norm = f"{embeddings}.LayerNorm"
    return {
        **{f"{embeddings}.{name}.weight": table @ basis for name, table in tables.items()},
        f"{norm}.weight": torch.ones(size),
        f"{norm}.bias": torch.zeros(size),
        f"{projection}.weight": weights[f"{norm}.weight"][:, None] * basis * factor,
        f"{projection}.bias": weights[f"{norm}.bias"],
    }
