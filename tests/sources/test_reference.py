"""How a reference is told to be a wheel, a path or a hub id."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compressor.errors import RecipeError
from compressor.sources import HubSource, PathSource, SdistSource, WheelSource, open_source
from compressor.sources.hub import is_hub_id


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("wheel://name==1.0/folder", WheelSource),
        ("sdist://name==1.0/folder", SdistSource),
        ("./model", PathSource),
        ("../model", PathSource),
        ("/models/mpnet", PathSource),
        ("~/models/mpnet", PathSource),
        ("data/reviews.csv", PathSource),
        ("reviews.TSV", PathSource),
        ("reviews.jsonl.gz", PathSource),
        ("reviews.parquet", PathSource),
        ("reviews.csv.bz2", PathSource),
        ("reviews.json.xz", PathSource),
        ("reviews.zip", PathSource),
        ("distilbert-base-uncased", HubSource),
        ("sentence-transformers/all-mpnet-base-v2", HubSource),
        ("hub://nyu-mll/glue", HubSource),
    ],
)
def test_the_form_of_a_reference_decides(reference: str, expected: type) -> None:
    assert type(open_source(reference, kind="model")) is expected


def test_a_folder_that_exists_wins_over_a_hub_id_unless_hub_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "org" / "model").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert isinstance(open_source("org/model", kind="model"), PathSource)
    forced = open_source("hub://org/model", kind="model")
    assert isinstance(forced, HubSource)
    assert forced.id == "org/model"


@pytest.mark.parametrize("reference", ["", "hub://", "a/b/c", "org/na me", "org--x/y", "-name", "hub://./here"])
def test_a_reference_of_no_form_is_refused_with_all_of_them(reference: str) -> None:
    with pytest.raises(RecipeError) as caught:
        open_source(reference, kind="model")
    for form in ("local path", "org/name", "wheel://name==version/path", "sdist://"):
        assert form in str(caught.value)


def test_an_address_is_refused_and_says_what_to_do() -> None:
    with pytest.raises(RecipeError, match=r"Nothing is downloaded from https:// addresses.*give its path"):
        open_source("https://example.org/reviews.csv", kind="data")


def test_a_digest_for_a_hub_id_is_refused_rather_than_ignored() -> None:
    with pytest.raises(RecipeError, match="Pin its commit with `revision`"):
        open_source("org/name", kind="model", sha256="0" * 64)


@given(st.text())
def test_any_text_is_a_source_or_a_recipe_error(reference: str) -> None:
    try:
        source = open_source(reference, kind="model")
    except RecipeError:
        return
    assert source.reference == reference


@given(st.text("aZ0-_./é ", max_size=12) | st.from_regex(r"[\w.-]{90,100}(/[\w.-]{1,3})?", fullmatch=True))
def test_hub_ids_are_those_the_hub_client_takes(text: str) -> None:
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    try:
        validate_repo_id(text)
        valid = True
    except HFValidationError:
        valid = False
    assert is_hub_id(text) == valid


def test_importing_sources_loads_no_heavy_library() -> None:
    heavy = "{'torch', 'transformers', 'huggingface_hub', 'datasets', 'safetensors', 'unearth', 'httpx2'}"
    code = f"import sys, compressor.sources; sys.exit(', '.join({heavy} & set(sys.modules)) or 0)"
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
