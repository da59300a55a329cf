"""Licences as cards and metadata state them: anybody may have written these."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compressor.sources.license import license_in_card, license_in_metadata


def card(folder: Path, text: str) -> Path:
    path = folder / "README.md"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    return path


@pytest.mark.parametrize(
    ("front", "stated"),
    [
        ("license: apache-2.0", "apache-2.0"),
        ("tags: [x]\nlicense: mit\nlanguage: en", "mit"),
        ("license: [mit, apache-2.0]", "mit, apache-2.0"),
        ("license: other\nlicense_name: llama3", "llama3"),
        ("license: other", "other"),
        ("license: unknown", None),
        ("license:", None),
        ("license: 7", None),
        (f"license: {'x' * 200}", None),
        ('license: "two\\nlines"', None),
        ("language: en", None),
        ("- license", None),
        ("license: [", None),
        ("license: !!python/object/apply:os.system [true]", None),
        ("[" * 5_000, None),
    ],
)
def test_the_front_matter_of_a_card_states_a_licence(tmp_path: Path, front: str, stated: str | None) -> None:
    assert license_in_card(card(tmp_path, f"---\n{front}\n---\n# A model\nlicense: none\n")) == stated


def test_a_card_without_front_matter_and_no_card_state_nothing(tmp_path: Path) -> None:
    assert license_in_card(tmp_path / "README.md") is None
    assert license_in_card(card(tmp_path, "# A model\n\nlicense: mit\n")) is None


@pytest.mark.parametrize(
    ("metadata", "stated"),
    [
        ("License-Expression: MIT\nLicense: Apache", "MIT"),
        ("License: Apache 2.0\nClassifier: License :: OSI Approved :: MIT License", "Apache 2.0"),
        ("License: Copyright\n  all of a long text\nClassifier: License :: OSI Approved :: BSD License", "BSD License"),
        ("License: UNKNOWN", None),
        ("Name: x\n\nLicense: MIT", None),
        ("", None),
    ],
)
def test_the_metadata_of_a_package_state_a_licence(metadata: str, stated: str | None) -> None:
    assert license_in_metadata(metadata) == stated


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=80))
def test_any_text_states_a_name_or_nothing(tmp_path: Path, text: str) -> None:
    for stated in (
        license_in_metadata(f"License: {text}"),
        license_in_metadata(text),
        license_in_card(card(tmp_path, f"---\nlicense: {text}\n---\n")),
    ):
        assert stated is None or (stated.isprintable() and 0 < len(stated) <= 100)
