"""What a client is asked: the golden examples as rows of tokens, with the texts where a row is whole texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from compressor.runtime.bundle import Bundle
from compressor.runtime.tasks import Example

__all__ = ["AskedRow", "asked_rows", "make_request"]


@dataclass(frozen=True)
class AskedRow:
    """One row of tokens."""

    texts: tuple[str, ...] | None
    """What it was made of; None where it is a window of a longer text."""
    input_ids: list[int]
    token_type_ids: list[int]

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return {"texts": self.texts, "input_ids": self.input_ids, "token_type_ids": self.token_type_ids}


def asked_rows(bundle: Bundle, examples: Sequence[Example]) -> list[AskedRow]:
    """The rows of all examples, in order."""
    found = []
    for example in bundle.examples(examples):
        rows = bundle.task.encode(bundle.encoder, [example]).rows
        texts = tuple(example.values())
        if len(rows) == 1:
            owned: list[tuple[str, ...] | None] = [texts]
        elif bundle.task.spec.single_or_pair:  # Two texts, each a row of its own.
            owned = [(text,) for text in texts]
        else:
            owned = [None] * len(rows)
        found += [
            AskedRow(*both) for both in zip(owned, [r.ids for r in rows], [r.type_ids for r in rows], strict=True)
        ]
    return found


def make_request(bundle: Bundle, rows: Sequence[AskedRow]) -> dict[str, Any]:
    """Everything a client must know, as plain data."""
    manifest, spec = bundle.manifest, bundle.task.spec
    return {
        "pipeline": spec.pipeline_tag,
        "numbers": spec.outputs[0].likelihood == "value",
        "auto_class": spec.auto_class,
        "outputs": [output.name for output in spec.outputs],
        "labels": list(manifest.labels),
        "options": manifest.options,
        "max_length": manifest.max_length,
        "variants": manifest.variants,
        "rows": [row.to_dict() for row in rows],
    }
