"""Exports that several tests read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from compressor.deploy.export import export
from compressor.events import Silent
from compressor.recipe.export import ExportSection
from compressor.tasks import get_task
from tests import tiny
from tests.deploy.models import MAX_LENGTH, write_classifier


def _export(model: Path, out: Path) -> dict[str, Any]:
    return export(
        ExportSection(),
        task=get_task("text-classification"),
        model_folder=model,
        examples=[{"text": text} for text, _ in tiny.reviews(12)],
        max_length=MAX_LENGTH,
        out=out,
        events=Silent(),
    )


@pytest.fixture(scope="session")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A 1-layer BERT classifier. Read only."""
    return write_classifier(tmp_path_factory.mktemp("bert"), "bert")


@pytest.fixture(scope="session")
def exported(bert: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The export folder of `bert`, and its facts. Read only."""
    out = tmp_path_factory.mktemp("exported")
    return out, _export(bert, out)


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The export folder of a BERT whose weights outweigh its graph, as a real model's do. Read only."""
    model = write_classifier(
        tmp_path_factory.mktemp("large"),
        "bert",
        hidden_size=128,
        intermediate_size=512,
        vocab_size=4000,
        initializer_range=0.08,
    )
    out = tmp_path_factory.mktemp("large-exported")
    _export(model, out)
    return out
