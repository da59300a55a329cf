"""What a bundle must answer in other clients, as one JSON file: tokens, raw outputs, and the runtime's own answers.

    python benchmarks/clients/expected.py BUNDLE [TEXTS.jsonl] > expected.json

It runs where `compressor` is installed; the check of each client reads the file where it isn't. The texts are those of
golden.json, or of a jsonl file with a key for each role.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from compressor.runtime import load
from compressor.runtime.encoder import Encoder, Row
from compressor.runtime.manifest import Manifest
from compressor.runtime.session import Session, open_session
from compressor.task_specs import task_spec

SHARES = {"fp32": 1e-4}
"""Tolerance by precision, as a share of the variant's largest output: fp32 differs by the order of additions."""
REDUCED_SHARE = 0.05
"""With fewer bits an activation that rounds the other way moves every later layer; docs/bundles.md."""


def expected(folder: Path, texts: Path | None = None) -> dict[str, Any]:
    """Everything the checks compare with.

    Raises:
        BundleError: the folder is no bundle, or a text lacks a role.
    """
    manifest = Manifest.read(folder)
    spec = task_spec(manifest.task)
    lines = texts.read_text(encoding="utf-8").splitlines() if texts else []
    given = [json.loads(line) for line in lines] or json.loads((folder / "golden.json").read_text("utf-8"))["examples"]
    examples = [{role: example[role] for role in manifest.roles} for example in given]
    if spec.single_or_pair:  # A pair is two texts, each with a vector of its own.
        examples = [{"text": text} for example in examples for text in example.values()]
    encoder = Encoder.from_folder(folder, manifest.max_length)
    if "question" in manifest.roles:  # Only the runtime cuts a question that leaves its context no room.
        examples = [one for one in examples if len(encoder.rows([one["question"]])[0]) <= manifest.max_length // 2]
    variants = {}
    for variant, file in manifest.variants.items():
        bundle = load(folder, variant=variant)
        session = open_session(folder / file)
        names = [output.name for output in spec.outputs]
        encoded = [bundle.task.encode(encoder, [example]) for example in examples]
        rows = [[_outputs(session, encoder, row, names) for row in one.rows] for one in encoded]
        largest = max(abs(value) for one in rows for row in one for values in row.values() for value in values)
        share = SHARES.get(manifest.precision_of(variant), REDUCED_SHARE)
        answers = [answer.to_dict() for answer in bundle.predict(examples)]
        variants[variant] = {"file": file, "share": share, "tolerance": share * largest, "rows": rows}
        variants[variant] |= {"answers": answers}
    return {
        "task": manifest.task,
        "labels": manifest.labels,
        "max_length": manifest.max_length,
        "options": manifest.options,
        "default": manifest.default,
        "examples": examples,
        "tokens": [[row.ids for row in one.rows] for one in encoded],
        "variants": variants,
    }


def _outputs(session: Session, encoder: Encoder, row: Row, names: list[str]) -> Mapping[str, list[float]]:
    """Every output for one row of tokens, flattened."""
    arrays = session.run(encoder.pad([row]))
    return {
        name: [round(float(value), 9) for value in array.ravel()] for name, array in zip(names, arrays, strict=True)
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(expected(*map(Path, sys.argv[1:]))) + "\n")
