"""Bundles that several tests read."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.runtime import bundles


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that answers single texts. Read only."""
    return bundles.write(tmp_path_factory.mktemp("single"))


@pytest.fixture(scope="session")
def pairs_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that answers pairs of texts. Read only."""
    return bundles.write(tmp_path_factory.mktemp("pairs"), pairs=True)


@pytest.fixture
def spoilt(bundle: Path, tmp_path: Path) -> Path:
    """A copy of the bundle, to be changed."""
    return bundles.copy(bundle, tmp_path)
