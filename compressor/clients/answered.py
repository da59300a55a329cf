"""What a client computed, played as if it were a session; and whether its pipelines say the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from compressor.clients.request import AskedRow
from compressor.errors import BundleError
from compressor.runtime.encoder import Inputs

__all__ = ["TOLERANCE", "Answered", "agrees"]

TOLERANCE = 1e-3
"""Of a pipeline's score or number, in shares of 1 or of the number: it is computed from the same outputs."""


class Answered:
    """A model whose outputs for a row are those that a client gave."""

    def __init__(
        self, names: Sequence[str], rows: Sequence[AskedRow] = (), outputs: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        self._names = names
        self._found = {(*row.input_ids, *row.token_type_ids): given for row, given in zip(rows, outputs, strict=True)}

    def outputs(self, row: AskedRow) -> dict[str, npt.NDArray[Any]]:
        """Output name -> array [1, ...].

        Raises:
            BundleError: the client gave none, or not all of its numbers.
        """
        try:
            given = self._found[(*row.input_ids, *row.token_type_ids)]
            return {
                name: np.array(given[name]["data"], dtype=np.float64).reshape(given[name]["dims"])
                for name in self._names
            }
        except (KeyError, TypeError, ValueError) as error:
            raise BundleError("the client gave no such outputs for a row.") from error

    def run(self, inputs: Inputs) -> list[npt.NDArray[Any]]:
        """Outputs of a batch of one row."""
        row = AskedRow(None, inputs["input_ids"][0].tolist(), inputs["token_type_ids"][0].tolist())
        return list(self.outputs(row).values())


def agrees(
    said: Mapping[str, Any],
    answer: Mapping[str, Any],
    *,
    labels: Sequence[str] = (),
    outputs: Mapping[str, npt.NDArray[Any]],
) -> bool:
    """Whether a pipeline says what the runtime says of the same outputs. What it doesn't tell isn't compared.

    Args:
        said: the pipeline's answer in the runtime's terms; or `spelt`, a text as its tokens spell it, or `tags`, token
            -> its label and score.
        answer: the runtime's.
        outputs: those of the row, for what the runtime's answer doesn't tell.
    """
    if "spelt" in said:
        return _plain(said["spelt"]) == _plain(answer["text"])
    if "tags" in said:
        return bool(said["tags"]) and _same_tags(said["tags"], labels, outputs["logits"][0])
    return _same(said, answer)


def _same(said: Any, wanted: Any) -> bool:
    if isinstance(said, Mapping):
        return all(key in wanted and _same(value, wanted[key]) for key, value in said.items())
    if isinstance(said, list | tuple):
        return len(said) == len(wanted) and all(_same(*both) for both in zip(said, wanted, strict=True))
    if isinstance(said, float):
        return bool(abs(said - wanted) <= TOLERANCE * max(1.0, abs(wanted)))
    return bool(said == wanted)


def _same_tags(tags: Mapping[str, Any], labels: Sequence[str], logits: npt.NDArray[Any]) -> bool:
    """Whether each token has the label of its largest logit [tokens, labels], and its softmax."""
    scores = np.exp(logits - logits.max(axis=-1, keepdims=True))
    scores /= scores.sum(axis=-1, keepdims=True)
    return all(
        label == labels[int(scores[int(place)].argmax())] and _same(float(score), float(scores[int(place)].max()))
        for place, (label, score) in tags.items()
    )


def _plain(text: str) -> str:
    """Without case and spaces, which a tokenizer may not keep."""
    return "".join(text.lower().split())
