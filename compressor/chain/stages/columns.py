"""Read further columns of the test split, to cut it into groups by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from compressor.chain.stages.prepare import Prepare
from compressor.engine.artifact import Artifact
from compressor.engine.key import Json
from compressor.errors import DataError
from compressor.events import Events

__all__ = ["Columns"]


@dataclass(frozen=True, kw_only=True)
class Columns(Prepare):
    """Prepares the data once more with further columns beside the texts, and writes the test split alone.

    A stage of its own, so that an audit of other columns trains nothing again: what is prepared depends on content and
    seed alone, so the rows are those of `prepare`, in its order.
    """

    kind = "columns"

    keep: tuple[str, ...]

    @property
    def config(self) -> dict[str, Json]:
        return {**super().config, "keep": list(self.keep)}

    def run(self, inputs: Mapping[str, Artifact], out: Path, events: Events) -> dict[str, Json]:
        from compressor.data import load_split
        from compressor.data.columns import SLICES
        from compressor.data.slices import MOST_VALUES

        self.prepared(out, events, keep={f"{SLICES}{name}": name for name in self.keep})
        for split in ("train", "validation"):
            (out / f"{split}.arrow").unlink(missing_ok=True)
        test = load_split(out, "test")
        counts = {name: len(set(test[f"{SLICES}{name}"])) for name in self.keep}
        # Told before anything is trained.
        for name, count in counts.items():
            if count > MOST_VALUES:
                raise DataError(
                    f"The column {name!r} has {count} values; a slice may have up to {MOST_VALUES}.",
                    hint="Take another in audit.slices; NAME=REGEX makes a slice of what a text holds.",
                )
        return {"values": dict(counts)}
