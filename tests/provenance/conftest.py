"""Bundles to sign, and keys to sign them with."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.provenance.keys import Keys, write_keys
from tests.runtime import bundles


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that answers single texts. Read only."""
    return bundles.write(tmp_path_factory.mktemp("whole"))


@pytest.fixture
def bundle(whole: Path, tmp_path: Path) -> Path:
    """A copy of it, to be changed."""
    return bundles.copy(whole, tmp_path)


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    """The keys of whoever signs."""
    return write_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="session")
def other_keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    """The keys of somebody else."""
    return write_keys(tmp_path_factory.mktemp("other-keys"))
