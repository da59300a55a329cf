"""The base of every section of a recipe."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

__all__ = ["ColumnName", "Fraction", "Positive", "Section", "Sha256", "optional"]


def _number_as_text(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


ColumnName = Annotated[str, BeforeValidator(_number_as_text, json_schema_input_type=str | int)]
"""The name of a column, or its number in files that name none."""
Fraction = Annotated[float, Field(gt=0, lt=1)]
Positive = Annotated[float, Field(gt=0)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Section(BaseModel):
    """A frozen part of a recipe. Unknown keys are errors: a misspelt key must never be ignored."""

    # Validators are built on first use: components import this module, and are imported when theirs is built.
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)


def optional(description: str, default: Any = None, **settings: Any) -> Any:
    """A field that is left out of dumps where it has its default.

    Keys of stages are made of dumps. A field that an earlier version didn't have changes none of them while it isn't
    used, so that what was made before is found again.
    """
    return Field(default, description=description, exclude_if=lambda value: bool(value == default), **settings)
