from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compressor.errors import BundleError
from compressor.provenance import PROVENANCE, read_statement
from compressor.runtime import Manifest
from compressor.runtime.manifest import MANIFEST
from tests.provenance.builds import BUILD, tell


def statement_of(bundle: Path) -> Any:
    return json.loads((bundle / PROVENANCE).read_text(encoding="utf-8"))


def test_every_bundle_has_one_that_the_manifest_seals(whole: Path) -> None:
    assert PROVENANCE in Manifest.read(whole).files
    statement = statement_of(whole)
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["predicateType"] == "https://slsa.dev/provenance/v1"
    assert statement["predicate"]["buildDefinition"]["externalParameters"] == {"recipe": {"name": "tiny"}}


def test_its_subjects_are_the_files_of_the_bundle(whole: Path) -> None:
    files = {path.relative_to(whole).as_posix() for path in whole.rglob("*") if path.is_file()}
    sealed = {name: of.sha256 for name, of in Manifest.read(whole).files.items()}
    subjects = {one["name"]: one["digest"]["sha256"] for one in statement_of(whole)["subject"]}
    assert subjects.keys() == files - {PROVENANCE, MANIFEST}
    assert subjects.items() <= sealed.items()


def test_it_tells_when_and_by_what_it_was_made(bundle: Path) -> None:
    details = statement_of(tell(bundle))["predicate"]["runDetails"]
    assert details["builder"]["id"] == "pkg:generic/compressor@0.1.0"
    metadata = details["metadata"]
    assert (metadata["startedOn"], metadata["finishedOn"]) == ("2026-01-01T08:00:00Z", "2026-01-02T00:00:00Z")
    assert [stage["key"] for stage in metadata["compressor_stages"]] == ["c" * 64, "d" * 64]


def test_what_was_written_is_read(bundle: Path) -> None:
    found = read_statement(tell(bundle))
    assert found.dependencies == BUILD.dependencies
    assert found.builder == BUILD.builder


def test_a_bundle_without_one_is_said_to_be_of_an_earlier_version(bundle: Path) -> None:
    (bundle / PROVENANCE).unlink()
    with pytest.raises(BundleError, match=r"has no provenance\.json"):
        read_statement(bundle)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_stands_in_it_is_read_or_refused_in_words(bundle: Path, data: st.DataObject) -> None:
    whole = statement_of(bundle if "teach" in (bundle / PROVENANCE).read_text() else tell(bundle))
    changed = copy.deepcopy(whole)
    here: Any = changed
    while isinstance(here, dict | list) and here:
        place = data.draw(st.sampled_from(sorted(here) if isinstance(here, dict) else range(len(here))))
        if not isinstance(here[place], dict | list) or data.draw(st.booleans()):
            here[place] = data.draw(json_values)
            break
        here = here[place]
    try:
        (bundle / PROVENANCE).write_text(json.dumps(changed), encoding="utf-8")
        read_statement(bundle)
    except BundleError as error:
        assert "can't be read" in error.message
    finally:
        (bundle / PROVENANCE).write_text(json.dumps(whole), encoding="utf-8")
