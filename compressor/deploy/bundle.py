"""The folder that ships: every variant, the tokenizer, and the proof of what they answer."""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path, PurePath
from typing import Any, Literal

import yaml

from compressor.deploy.clients import client_config, file_names, special_tokens_map, tokenizer_settings
from compressor.deploy.ort_format import convert, files_of
from compressor.deploy.sentence_transformers import write_modules
from compressor.deploy.text_graph import add_tokenizer
from compressor.errors import StageError, shortened
from compressor.provenance import Build, write_statement
from compressor.runtime import Encoder, Manifest, verify
from compressor.runtime.golden import seal
from compressor.runtime.manifest import FileDigest, TextGraph, Unsure, digest
from compressor.runtime.tasks import runtime_task
from compressor.task_specs import task_spec

__all__ = ["BundlePlan", "bundle_files", "write_bundle"]

_MODEL_FILE = "model.onnx"
_CONFIG, _TOKENIZER_CONFIG, _SPECIAL_TOKENS_MAP = "config.json", "tokenizer_config.json", "special_tokens_map.json"
_TOKENIZER_FILES = (
    "tokenizer.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "sentencepiece.bpe.model",
    "spiece.model",
    "tokenizer.model",
    "added_tokens.json",
)


@dataclass(frozen=True)
class BundlePlan:
    """What goes into a bundle."""

    name: str
    task: str
    labels: Sequence[str]
    max_length: int
    """In tokens; longer texts are cut."""
    variants: Mapping[str, Path]
    """Variant -> folder with `model.onnx`, its config and its tokenizer."""
    chosen: str
    """The variant that answers by default."""
    precisions: Mapping[str, str] = field(default_factory=dict)
    """Variant -> `int8`, ...: names its file; left out, the variant's name says it."""
    roles: Sequence[str] = ()
    """Roles of the texts an input has; left out, those that the task requires."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """What the task chose on validation: thresholds, for example."""
    calibration: Mapping[str, Any] = field(default_factory=dict)
    """For the manifest: the temperature that is in the weights, and what it brought."""
    unsure: Unsure | None = None
    """Which answers are called unsure, for the manifest."""
    include: Literal["all", "chosen"] = "all"
    tokenizer_in_graph: bool | Literal["close"] = False
    """Add a file of the chosen variant that takes texts; `close`: also where its tokens aren't always the same."""
    ort_format: Collection[str] = ()
    """Variants that go in as `.ort` too, with the operators that they need."""
    examples: Sequence[Mapping[str, Any]] = ()
    """Rows with a text for every role, whose answers are sealed; without any, built-in sentences serve."""
    gates: Sequence[Mapping[str, Any]] = ()
    """Verdicts, for the manifest."""
    passed: bool = True
    planted: int = 0
    """Random texts among the training texts, for the manifest."""
    versions: Mapping[str, str] = field(default_factory=dict)
    recipe: str = ""
    """The resolved recipe, for `recipe.resolved.yaml` and the provenance; local files lose their folders."""
    build: Build = field(default_factory=Build)
    """What made the bundle and of what, for the provenance."""


def bundle_files(plan: BundlePlan) -> dict[str, str]:
    """Variant -> its file in the bundle, for the variants that go in.

    Raises:
        StageError: the chosen variant is not among them.
    """
    if plan.chosen not in plan.variants:
        raise StageError(f"There is no variant {plan.chosen!r}; there are: {', '.join(plan.variants)}.")
    files = file_names({variant: plan.precisions.get(variant, variant) for variant in plan.variants})
    return files if plan.include == "all" else {plan.chosen: files[plan.chosen]}


def write_bundle(plan: BundlePlan, out: Path, *, card: str) -> dict[str, Any]:
    """Write the bundle into the new folder `out`, `card` as its README.md, and test it as a user would.

    Returns facts: the size of every file, and the largest difference of each variant from the first on the sealed
    texts; `text_graph` where there is a file that takes texts.

    Raises:
        StageError: the chosen variant is not among those planned, its tokenizer can't be put into the graph, or
            a variant can't be written as `.ort`.
        MissingExtra: that is asked for and onnxruntime-extensions isn't installed.
        VerificationFailed: the bundle doesn't give the same answers twice on this machine.
    """
    files = bundle_files(plan)
    source = plan.variants[plan.chosen]
    for variant, name in files.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(plan.variants[variant] / _MODEL_FILE, out / name)
        if variant in plan.ort_format:
            convert(out / name)
    _write_config(plan, source, out, files[plan.chosen])
    _write_tokenizer(plan, source, out)
    if task_spec(plan.task).outputs[0].likelihood == "vector":
        write_modules(out, plan.options, file=files[plan.chosen], max_length=plan.max_length)
    (out / "README.md").write_text(card, encoding="utf-8")
    recipe = _without_folders(plan.recipe)
    if recipe:
        (out / "recipe.resolved.yaml").write_text(recipe, encoding="utf-8")
    created = datetime.now(UTC)
    manifest = Manifest(
        name=plan.name,
        task=plan.task,
        labels=tuple(plan.labels),
        max_length=plan.max_length,
        pairs=len(_roles(plan)) > 1,
        options=dict(plan.options),
        calibration=dict(plan.calibration),
        unsure=plan.unsure,
        precisions={variant: plan.precisions.get(variant, variant) for variant in files},
        variants=files,
        ort_files={variant: files_of(name)[0] for variant, name in files.items() if variant in plan.ort_format},
        default=plan.chosen,
        files={},
        versions=dict(plan.versions),
        gates=tuple(dict(gate) for gate in plan.gates),
        passed=plan.passed,
        planted=plan.planted,
        text_graph=_write_text_graph(plan, out, files[plan.chosen]) if plan.tokenizer_in_graph else None,
        created=created.isoformat(timespec="seconds"),
    )
    golden = seal(out, manifest, _golden_examples(plan))
    golden.write(out)
    write_statement(plan.build, out, recipe=yaml.safe_load(recipe) or {}, files=_digests(out), finished=created)
    replace(manifest, files=_digests(out)).write(out)
    facts = {"files": _sizes(out), "golden": golden.differences(), "verified": verify(out).variants}
    return {**facts, "text_graph": asdict(manifest.text_graph)} if manifest.text_graph else facts


def _write_text_graph(plan: BundlePlan, out: Path, file: str) -> TextGraph:
    """A copy of the chosen variant that takes texts, beside it.

    Raises:
        StageError: where its tokens have to be the same, and aren't.
    """
    name = file.replace(".onnx", "_from_text.onnx")
    encoder = Encoder.from_folder(out, plan.max_length)
    parity = add_tokenizer(out / file, out / "tokenizer.json", encoder, out / name)
    if parity.differing and plan.tokenizer_in_graph != "close":
        raise StageError(
            f"The tokenizer in the graph cuts {parity.differing} of {parity.strings:,} difficult strings otherwise "
            f"than the tokenizer; the first is {shortened(parity.first)!a}.",
            hint="Leave bundle.tokenizer_in_graph out, or set it to `close` where such texts don't matter.",
        )
    return TextGraph(name, plan.chosen, parity.strings, parity.differing, parity.first)


def _write_config(plan: BundlePlan, source: Path, out: Path, default_file: str) -> None:
    config = json.loads((source / _CONFIG).read_text(encoding="utf-8"))
    _write_json(out / _CONFIG, client_config(config, plan.labels, default_file))


def _write_tokenizer(plan: BundlePlan, source: Path, out: Path) -> None:
    for name in _TOKENIZER_FILES:
        if (source / name).is_file():
            shutil.copyfile(source / name, out / name)
    settings = json.loads((source / _TOKENIZER_CONFIG).read_text(encoding="utf-8"))
    settings = tokenizer_settings(settings, plan.max_length)
    _write_json(out / _TOKENIZER_CONFIG, settings)
    _write_json(out / _SPECIAL_TOKENS_MAP, special_tokens_map(settings))


def _roles(plan: BundlePlan) -> Sequence[str]:
    spec = task_spec(plan.task)
    return plan.roles or [role for role in spec.text_roles if role in spec.roles]


def _golden_examples(plan: BundlePlan) -> list[dict[str, str]]:
    """Texts alone, without labels and ids; without examples, built-in sentences."""
    roles = _roles(plan)
    if plan.examples:
        return [{role: str(example[role]) for role in roles} for example in plan.examples]
    return runtime_task(plan.task).samples(roles)


def _without_folders(recipe: str) -> str:
    """The recipe with the names of local files only: where they lay is nobody's business, and of no use elsewhere."""
    paths = [value for value in _scalars(yaml.safe_load(recipe)) if PurePath(value).is_absolute()]
    for path in sorted(paths, key=len, reverse=True):
        recipe = recipe.replace(path, PurePath(path).name)
    return recipe


def _scalars(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for child in value.values() if isinstance(value, dict) else value:
            yield from _scalars(child)


def _digests(out: Path) -> dict[str, FileDigest]:
    return {path.relative_to(out).as_posix(): digest(path) for path in sorted(out.rglob("*")) if path.is_file()}


def _sizes(out: Path) -> dict[str, float]:
    """File -> megabytes (10^6 bytes)."""
    files = sorted(path for path in out.rglob("*") if path.is_file())
    return {path.relative_to(out).as_posix(): round(path.stat().st_size / 1e6, 6) for path in files}


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
