from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from compressor.errors import BundleError, VerificationFailed
from compressor.provenance import PROVENANCE, make_sbom
from compressor.runtime.manifest import MANIFEST
from tests.command import compressor
from tests.provenance.builds import tell
from tests.runtime.bundles import edit, seal_again


@pytest.fixture
def told(bundle: Path) -> Path:
    """A bundle that says what it was made of; to be changed."""
    return tell(bundle)


def component(sbom: dict[str, Any], name: str) -> Any:
    (found,) = [one for one in sbom["components"] if one["name"] == name]
    return found


@pytest.mark.parametrize("how", [lambda bundle: bundle, tell], ids=["nothing known", "told"])
def test_it_is_cyclonedx(bundle: Path, how: Callable[[Path], Path]) -> None:
    printed = compressor("sbom", how(bundle)).succeeds().out
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(printed) is None


def test_it_lists_the_model_with_its_files_and_the_data_it_learnt_from(told: Path) -> None:
    sbom = make_sbom(told)
    model = sbom["metadata"]["component"]
    assert (model["type"], model["name"]) == ("machine-learning-model", "tiny")
    sealed = json.loads((told / MANIFEST).read_text(encoding="utf-8"))["files"]
    assert {one["name"]: one["hashes"][0]["content"] for one in model["components"]} == {
        name: of["sha256"] for name, of in sealed.items()
    }
    parameters = model["modelCard"]["modelParameters"]
    assert parameters["task"] == "text-classification"
    assert {one["ref"] for one in parameters["datasets"]} == {
        component(sbom, name)["bom-ref"] for name in ("reviews.csv", "org/more")
    }


def test_it_lists_what_the_model_was_made_of_and_with(told: Path) -> None:
    sbom = make_sbom(told)
    assert component(sbom, "org/large")["type"] == "machine-learning-model"
    assert component(sbom, "org/large")["purl"].startswith("pkg:huggingface/org/large@")
    assert component(sbom, "reviews.csv")["type"] == "data"
    assert component(sbom, "reviews.csv")["hashes"] == [{"alg": "SHA-256", "content": "b" * 64}]
    assert component(sbom, "onnxruntime")["scope"] == "required"
    assert component(sbom, "torch")["scope"] == "excluded", "it made the bundle, and doesn't run it"


def test_licences_are_those_of_spdx_or_as_they_were_stated_or_unknown(told: Path) -> None:
    sbom = make_sbom(told)
    assert component(sbom, "org/large")["licenses"] == [{"expression": "Apache-2.0"}]
    assert component(sbom, "torch")["licenses"] == [{"expression": "BSD-3-Clause AND MIT"}]
    assert component(sbom, "my-model")["licenses"] == [{"license": {"name": "a licence of ours"}}]
    assert "licenses" not in component(sbom, "reviews.csv")
    assert {"name": "compressor:license", "value": "unknown"} in component(sbom, "reviews.csv")["properties"]


def test_the_licence_that_the_recipe_names_is_that_of_the_model(told: Path) -> None:
    edit(
        told / PROVENANCE,
        lambda statement: statement["predicate"]["buildDefinition"]["externalParameters"]["recipe"].update(
            bundle={"license": "mit"}
        ),
    )
    seal_again(told)
    assert make_sbom(told)["metadata"]["component"]["licenses"] == [{"expression": "MIT"}]


def test_it_is_the_same_twice_and_another_for_another_bundle(told: Path) -> None:
    first = make_sbom(told)
    assert make_sbom(told) == first
    (told / "README.md").write_text("# other\n", encoding="utf-8")
    seal_again(told)
    assert make_sbom(told)["serialNumber"] != first["serialNumber"]


def test_it_is_not_made_of_a_bundle_that_was_changed(told: Path) -> None:
    (told / PROVENANCE).write_text("{}", encoding="utf-8")
    with pytest.raises(VerificationFailed, match=r"provenance\.json has changed"):
        make_sbom(told)


def test_provenance_that_was_not_sealed_is_refused(told: Path) -> None:
    edit(told / MANIFEST, lambda manifest: manifest["files"].pop(PROVENANCE))
    with pytest.raises(BundleError, match=r"doesn't name provenance\.json"):
        make_sbom(told)
