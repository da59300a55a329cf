"""The first recipe of a data file: look at it, guess its task, write down why each value was chosen."""

from __future__ import annotations

from compressor.init.draft import Draft, Wishes, draft_recipe

__all__ = ["Draft", "Wishes", "draft_recipe"]
