"""No shipped recipe is left out."""

from __future__ import annotations

import re
from pathlib import Path

from compressor.recipe.shipped import shipped


def test_every_shipped_recipe_is_run_here() -> None:
    """Each by its name, as a user runs it."""
    sources = "".join(file.read_text(encoding="utf-8") for file in Path(__file__).parent.glob("test_*.py"))
    assert set(shipped()) == set(re.findall(r'\b(?:run|study)\(\s*"([\w-]+)"', sources))
