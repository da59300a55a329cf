"""Bundles that are served."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.runtime import bundles


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that answers single texts, called `tiny`. Read only."""
    return bundles.write(tmp_path_factory.mktemp("served"))


@pytest.fixture(scope="session")
def pairs_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that answers pairs of texts. Read only."""
    return bundles.write(tmp_path_factory.mktemp("served-pairs"), pairs=True)
