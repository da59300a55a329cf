"""Cut the vocabulary down to the pieces that the training texts use."""

from __future__ import annotations

import copy
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from compressor.distill.builders._pieces import Pieces
from compressor.distill.builders.base import BuilderConfig, Checkpoint
from compressor.errors import Problem, RecipeError, StageError

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from compressor.distill.architecture import Layout
    from compressor.tasks.base import Task

__all__ = ["COMPONENT", "Vocabulary"]


class Vocabulary(BuilderConfig):
    """Fewer pieces in the tokenizer, fewer rows in the table of word embeddings.

    A text whose pieces all stay is tokenized as before and answered as before. In other texts a piece that is gone is
    spelt with shorter ones; nothing becomes unknown that wasn't.
    """

    kind: Literal["vocabulary"] = Field(description="Keep the pieces that the training texts use.")
    min_count: int = Field(1, ge=1, description="How often a piece must occur in the training texts to stay.")
    size: int | None = Field(
        None,
        ge=1,
        description="Pieces to keep at most: the most frequent ones. Special tokens and single characters stay "
        "whatever their number, and count. Left out, all that occur `min_count` times.",
    )
    keep: tuple[str, ...] = Field(
        (), description="Words or texts whose pieces stay, whether the training texts have them or not."
    )

    @property
    def needs_training(self) -> bool:
        return False

    def problems(self) -> Iterator[Problem]:
        if self.size is not None and self.min_count > 1:
            yield Problem("`size` and `min_count` are two ways to say how many pieces stay: set one", "size")

    def build(self, checkpoint: Checkpoint, data: Path | None, task: Task) -> Checkpoint:
        from compressor.distill.builders._examples import token_counts, training_texts

        if data is None and not self.keep:
            raise RecipeError(
                "The builder vocabulary has no texts to find pieces in.",
                hint="Add a `data` section to the recipe, or name texts in `keep`.",
            )
        model, tokenizer = checkpoint.model, checkpoint.tokenizer
        content = json.loads(tokenizer.backend_tokenizer.to_str())
        pieces = Pieces(content)
        always = pieces.fallback() | _used_by(model, tokenizer) | set(token_counts(tokenizer, [list(self.keep)]))
        counts = token_counts(tokenizer, training_texts(data, task)) if data is not None else {}
        content, order = pieces.cut(self._chosen(pieces, always, counts))
        rows = model.get_input_embeddings().weight.shape[0]
        if max(order) >= rows:
            raise StageError(f"The tokenizer has {len(pieces):,} pieces and the model's table {rows:,} rows.")
        smaller = _with_rows(model, order)
        saved = model.num_parameters() - smaller.num_parameters()
        note = f"{len(pieces):,} -> {len(order):,} pieces, {saved:,} parameters fewer"
        return Checkpoint(smaller, _reloaded(tokenizer, content), note)

    def layout(self, before: Layout) -> Layout:
        return before

    def _chosen(self, pieces: Pieces, always: set[int], counts: dict[int, int]) -> set[int]:
        """Ids of the pieces that stay."""
        kept = {number for one in always for number in pieces.with_parts(one)}
        if self.size is not None and len(kept) > self.size:
            raise RecipeError(
                f"vocabulary.size is {self.size:,}, and special tokens, single characters and what `keep` names are "
                f"{len(kept):,} pieces.",
                hint=f"Give at least {len(kept):,}.",
            )
        most = self.size or len(pieces)
        for number in sorted(counts, key=lambda number: (-counts[number], number)):
            more = pieces.with_parts(number) - kept
            if counts[number] >= self.min_count and len(kept) + len(more) <= most:
                kept |= more
        return kept


COMPONENT = Vocabulary


def _used_by(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> set[int]:
    """Ids that the model's code or the tokenizer's settings refer to."""
    known = set(tokenizer.get_vocab().values())
    found = {number for _, numbers in _special_ids(model.config) for number in numbers} | {*tokenizer.all_special_ids}
    # Where positions count from the padding token, its number must stay what it is.
    for name, table in model.named_modules():
        if name.endswith("position_embeddings") and getattr(table, "padding_idx", None) is not None:
            found |= set(range(table.padding_idx + 1))
    return found & known


def _special_ids(config: Any) -> Iterator[tuple[str, list[int]]]:
    """Settings that name a token by its number: `pad_token_id` and the like, some of them lists."""
    for name, value in config.to_dict().items():
        if name.endswith("_token_id") and value is not None:
            yield name, list(value) if isinstance(value, list | tuple) else [value]


def _with_rows(model: PreTrainedModel, order: list[int]) -> PreTrainedModel:
    """A new model with these rows of its table of word embeddings, in this order."""
    import torch

    from compressor.distill.builders._reshape import empty_model, fill

    config = copy.deepcopy(model.config)
    config.vocab_size = len(order)
    numbers = {old: new for new, old in enumerate(order)}
    for name, old in _special_ids(model.config):
        new = [numbers.get(number, number) for number in old]
        setattr(config, name, new if isinstance(getattr(config, name), list | tuple) else new[0])
    rows = torch.tensor(order)

    def change(name: str, weight: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
        axis = next(axis for axis, size in enumerate(shape) if size != weight.shape[axis])
        return weight.index_select(axis, rows)

    return fill(empty_model(model, config), model, change)


def _reloaded(tokenizer: PreTrainedTokenizerBase, content: dict[str, Any]) -> PreTrainedTokenizerBase:
    """The tokenizer with another `tokenizer.json`, read by its own class as anybody will read it."""
    from compressor.tasks import quiet_transformers

    with tempfile.TemporaryDirectory() as folder, quiet_transformers():
        tokenizer.save_pretrained(folder)
        (Path(folder) / "tokenizer.json").write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
        made: PreTrainedTokenizerBase = type(tokenizer).from_pretrained(folder)
    expected = {**Pieces(content).ids, **Pieces(content).added}
    if made.get_vocab() != expected:
        raise StageError(
            f"{type(tokenizer).__name__} doesn't read its vocabulary from tokenizer.json as it stands there.",
            hint="Leave the builder `vocabulary` out.",
        )
    return made
