"""A software bill of materials in CycloneDX 1.6 (https://cyclonedx.org/docs/1.6/json/), made of a bundle alone.

Written by hand: `cyclonedx-python-lib` has neither `modelCard` nor components of data, and a bundle must not need it.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

from compressor.errors import BundleError
from compressor.provenance.statement import PROVENANCE, Dependency, Statement, read_statement
from compressor.runtime import Manifest
from compressor.runtime.manifest import MANIFEST, digest
from compressor.runtime.verify import sealed

__all__ = ["make_sbom"]

RUNTIME = ("onnxruntime", "tokenizers", "numpy")
"""Libraries that answering takes; the others only made the bundle."""
LONGEST = 200
"""Characters of a licence that are read as an expression."""
TEXT_GRAPH = "onnxruntime-extensions"
_TYPES = {"model": "machine-learning-model", "data": "data", "library": "library"}


def make_sbom(folder: Path | str) -> dict[str, Any]:
    """The same document each time, for the same bundle.

    Raises:
        VerificationFailed: its files aren't those that were sealed.
        BundleError: not a bundle, or of a version that wrote no provenance.
    """
    folder = Path(folder)
    manifest, _ = sealed(folder)
    statement = read_statement(folder)
    if PROVENANCE not in manifest.files:
        raise BundleError(f"{folder / MANIFEST} doesn't name {PROVENANCE}.", hint="Copy the bundle again.")
    model = _model(manifest, statement)
    components = [_component(manifest, dependency) for dependency in statement.dependencies]
    refs = list(dict.fromkeys(component["bom-ref"] for component in components))
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, digest(folder / MANIFEST).sha256)}",
        "version": 1,
        "metadata": {
            "timestamp": manifest.created,
            "tools": {"components": list(_tools(statement))},
            "component": model,
        },
        "components": components,
        "dependencies": [{"ref": model["bom-ref"], "dependsOn": refs}, *({"ref": ref} for ref in refs)],
    }


def _tools(statement: Statement) -> Iterator[dict[str, Any]]:
    for name, version in statement.builder.items():
        yield {"type": "application", "name": name, "version": version}


def _model(manifest: Manifest, statement: Statement) -> dict[str, Any]:
    """The bundle: its files with what was sealed, its task, and what it was trained on."""
    stated = statement.recipe.get("bundle", {})
    own = stated.get("license") if isinstance(stated, dict) else None
    data = [{"ref": _ref(dependency)} for dependency in statement.dependencies if dependency.kind == "data"]
    return {
        "type": "machine-learning-model",
        "bom-ref": f"bundle:{manifest.name}",
        "name": manifest.name,
        "version": manifest.created,
        **_licenses(own if isinstance(own, str) else None),
        "modelCard": {"modelParameters": {"task": manifest.task, **({"datasets": data} if data else {})}},
        "components": [
            {
                "type": "file",
                "bom-ref": f"file:{name}",
                "name": name,
                "hashes": [{"alg": "SHA-256", "content": of.sha256}],
            }
            for name, of in manifest.files.items()
        ],
    }


def _component(manifest: Manifest, dependency: Dependency) -> dict[str, Any]:
    found: dict[str, Any] = {
        "type": _TYPES[dependency.kind],
        "bom-ref": _ref(dependency),
        "name": dependency.name,
        **({"version": dependency.version} if dependency.version else {}),
        **({"purl": dependency.uri} if dependency.uri.startswith("pkg:") else {}),
        **_licenses(dependency.license),
        **_hashes(dependency),
    }
    if dependency.kind == "data":
        found["data"] = [{"type": "dataset", "name": dependency.name}]
    if dependency.kind == "library":
        runtime = (*RUNTIME, TEXT_GRAPH) if manifest.text_graph else RUNTIME
        found["scope"] = "required" if dependency.name in runtime else "excluded"
    if dependency.uri and not dependency.uri.startswith("pkg:"):
        found["externalReferences"] = [{"type": "distribution", "url": dependency.uri}]
    if notes := _properties(dependency):
        found["properties"] = notes
    return found


def _ref(dependency: Dependency) -> str:
    content = next(iter(dependency.digest.values()), "")
    return ":".join(filter(None, (dependency.kind, dependency.name, dependency.version, dependency.path, content[:16])))


def _hashes(dependency: Dependency) -> dict[str, Any]:
    """Of a file. What holds for a commit or a folder is no hash of CycloneDX."""
    content = dependency.digest.get("sha256")
    return {"hashes": [{"alg": "SHA-256", "content": content}]} if content else {}


def _properties(dependency: Dependency) -> list[dict[str, str]]:
    found = {f"digest:{name}": value for name, value in dependency.digest.items() if name != "sha256"}
    found |= {"path": dependency.path} if dependency.path else {}
    found |= {"stages": ", ".join(dependency.stages)} if dependency.stages else {}
    found |= {} if dependency.license else {"license": "unknown"}
    return [{"name": f"compressor:{name}", "value": value} for name, value in found.items()]


def _licenses(stated: str | None) -> dict[str, Sequence[dict[str, Any]]]:
    """A licence of SPDX's list, or a name in its author's words; nothing where it isn't known."""
    if not stated:
        return {}
    if len(stated) > LONGEST:
        return {"licenses": [{"license": {"name": stated[:LONGEST]}}]}
    try:
        return {"licenses": [{"expression": canonicalize_license_expression(stated)}]}
    except InvalidLicenseExpression:
        return {"licenses": [{"license": {"name": stated}}]}
