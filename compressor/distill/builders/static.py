"""Leave a model without layers: a table of its tokens' vectors and a small head."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from compressor.distill.builders.base import BuilderConfig, Checkpoint
from compressor.errors import Problem, RecipeError
from compressor.task_specs import TaskSpec

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from compressor.distill.architecture import Layout
    from compressor.tasks.base import Task

__all__ = ["COMPONENT", "Static", "frequency_weights", "principal_components", "token_vectors"]

_BATCH = 1024
"""Tokens that are run through the model at once, each alone."""
_SMOOTHING = 1e-3
"""The a of `a / (a + p)`; Arora et al. find 1e-3 to 1e-4 good."""


class Static(BuilderConfig):
    """A text as the weighted mean of vectors that its tokens have whatever stands beside them, as model2vec makes them.

    Source: model2vec (Tulkens and van Dongen 2024, github.com/MinishLab/model2vec); the weights are those of Arora et
    al. 2017, "A simple but tough-to-beat baseline for sentence embeddings".
    """

    kind: Literal["static"] = Field(
        description="No layers: a text is the weighted mean of its tokens' vectors, which a small head reads."
    )
    size: int = Field(
        128,
        ge=2,
        description="Width of the tokens' vectors: so many principal components of what the model makes of each token.",
    )
    hidden: int = Field(128, ge=1, description="Neurons of the head's hidden layer.")

    def unfit(self, spec: TaskSpec) -> Iterator[Problem]:
        if any(output.per_token for output in spec.outputs):
            yield Problem(
                f"{spec.name} answers for each token by what stands beside it, which the mean of a text's vectors "
                "doesn't tell",
                hint="use `layers` or `width` to make the student smaller",
            )

    def build(self, checkpoint: Checkpoint, data: Path | None, task: Task) -> Checkpoint:
        import torch

        from compressor.distill.architecture import Layout
        from compressor.distill.builders._examples import needed, token_counts, training_texts

        model, tokenizer = checkpoint.model, checkpoint.tokenizer
        self.layout(Layout.of(model.config))
        made = self._empty(model, tokenizer, task)
        texts = training_texts(needed(data, self.kind), task)
        vectors, kept = principal_components(token_vectors(model, tokenizer), self.size)
        counts = torch.zeros(len(vectors))
        for number, count in token_counts(tokenizer, texts, special=True).items():
            counts[number] = count
        table: Any = made.get_input_embeddings()
        with torch.no_grad():
            table.weight.copy_(vectors * frequency_weights(counts)[:, None])
        saved = model.num_parameters() - made.num_parameters()
        note = f"{len(vectors):,} vectors {self.size} wide ({kept:.0%} of their variance), {saved:,} parameters fewer"
        return Checkpoint(made.eval(), tokenizer, note)

    def layout(self, before: Layout) -> Layout:
        from compressor.architectures.static_embeddings import StaticEmbeddingsConfig
        from compressor.distill.architecture import Layout

        if not before.layers:
            raise RecipeError("static: this model has no layers already.", hint="Leave the builder `static` out.")
        if self.size > before.hidden_size:
            raise RecipeError(
                f"static.size is {self.size}, and the model is {before.hidden_size} wide.",
                hint=f"Give at most {before.hidden_size}.",
            )
        return Layout(0, self.size, architecture=StaticEmbeddingsConfig.model_type)

    def _empty(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, task: Task) -> PreTrainedModel:
        """The model that answers what `model` answers, with random weights."""
        from compressor.architectures import auto_class
        from compressor.architectures.static_embeddings import StaticEmbeddingsConfig

        config = StaticEmbeddingsConfig(
            vocab_size=model.get_input_embeddings().weight.shape[0],
            hidden_size=self.size,
            classifier_hidden_size=self.hidden,
            pad_token_id=tokenizer.pad_token_id,
            id2label=model.config.id2label,
            label2id=model.config.label2id,
            problem_type=model.config.problem_type,
        )
        made: PreTrainedModel = auto_class(task.spec.auto_class).from_config(config)
        return made


COMPONENT = Static


def token_vectors(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> torch.Tensor:
    """What a model makes of each token alone [vocabulary, hidden]: the mean over the last hidden states of the token
    and of the special tokens that the tokenizer puts around a text, `[CLS] token [SEP]`."""
    import torch

    before, after = _around(tokenizer)
    rows: Any = model.get_input_embeddings()
    found = []
    with torch.no_grad():
        for batch in torch.split(torch.arange(len(rows.weight)), _BATCH):
            columns = [torch.full_like(batch, number) for number in before], [torch.full_like(batch, n) for n in after]
            inputs = torch.stack([*columns[0], batch, *columns[1]], dim=1)
            hidden = model.base_model(input_ids=inputs, attention_mask=torch.ones_like(inputs))[0]
            found.append(hidden.mean(dim=1))
    return torch.cat(found)


def _around(tokenizer: PreTrainedTokenizerBase) -> tuple[list[int], list[int]]:
    """Ids of the special tokens before and after a text."""
    from tokenizers import Tokenizer

    alone = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
    alone.no_padding()  # some are saved with the padding of their last call, which counts as special tokens
    encoding = alone.encode("a")
    own = [place for place, special in enumerate(encoding.special_tokens_mask) if not special]
    return (encoding.ids[: own[0]], encoding.ids[own[-1] + 1 :]) if own else (encoding.ids, [])


def principal_components(vectors: torch.Tensor, size: int) -> tuple[torch.Tensor, float]:
    """The first `size` principal components [rows, size] of vectors [rows, width], and the share of their variance
    that these hold."""
    import torch

    centred = vectors.double() - vectors.double().mean(dim=0)
    variances, directions = torch.linalg.eigh(centred.T @ centred)  # in ascending order
    kept = variances[-size:].sum() / variances.sum()
    return (centred @ directions.flip(1)[:, :size]).float(), float(kept)


def frequency_weights(counts: torch.Tensor) -> torch.Tensor:
    """`a / (a + p)` for each token, p its share of all tokens: frequent ones tell little, and count little.

    Source: smooth inverse frequency, Arora et al. 2017, section 3.
    """
    return _SMOOTHING / (_SMOOTHING + counts / counts.sum())
