"""Which bundles sentence-transformers is asked about, and in which environment."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from compressor.clients import sentence_transformers
from compressor.errors import BundleError, TargetUnavailable

REQUEST = {"pipeline": "feature-extraction", "rows": []}


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """As much of a bundle as is looked at before the library is asked."""
    folder = tmp_path / "bundle"
    folder.mkdir()
    (folder / "modules.json").write_text("[]", encoding="utf-8")
    return folder


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """Where an environment has its interpreter."""
    (tmp_path / "environment" / "bin").mkdir(parents=True)
    return tmp_path / "environment"


def test_a_bundle_of_an_earlier_version_is_refused_since_the_library_would_guess(bundle: Path, tmp_path: Path) -> None:
    (bundle / "modules.json").unlink()
    with pytest.raises(BundleError, match=r"no modules\.json"):
        sentence_transformers.ask(bundle, REQUEST, None, tmp_path)


def test_an_environment_that_lacks_the_library_is_told_from_one_that_has_it(
    bundle: Path, environment: Path, tmp_path: Path
) -> None:
    (environment / "bin" / "python").symlink_to(sys.executable)
    for path in (None, tmp_path, environment):
        with pytest.raises(TargetUnavailable, match="environment") as raised:
            sentence_transformers.ask(bundle, REQUEST, path, tmp_path)
        assert "sentence-transformers==" in str(raised.value.hint)


def test_what_the_library_says_before_its_answer_is_passed_over(
    bundle: Path, environment: Path, tmp_path: Path
) -> None:
    python = environment / "bin" / "python"
    reply = {"versions": {"sentence-transformers": "5.7.0"}}
    python.write_text(f"#!/bin/sh\necho 'Multiple ONNX files found'\necho '{json.dumps(reply)}'\n", encoding="utf-8")
    python.chmod(0o755)
    assert sentence_transformers.ask(bundle, REQUEST, environment, tmp_path) == reply
