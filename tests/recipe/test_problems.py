from __future__ import annotations

import json
from pathlib import Path

import pytest

from compressor.recipe import json_schema
from compressor.recipe.problems import PATTERNS, suggest
from tests.recipe.write import BASE, only, problems_of, write


@pytest.mark.parametrize(
    ("override", "path", "message", "hint"),
    [
        # Types: strict, so that a wrong type is never turned into a right one.
        ("distill.epochs=true", "distill.epochs", "must be a number or auto, and is true", ""),
        ("distill.epochs='3'", "distill.epochs", "must be a number or auto, and is the text '3'", "quotation marks"),
        ("distill.epochs=three", "distill.epochs", "must be a number or auto, and is the text 'three'", ""),
        ("distill.batch_size=1.5", "distill.batch_size", "must be a whole number or auto, and is the number 1.5", ""),
        ("distill.baseline=1", "distill.baseline", "must be true or false, and is the number 1", ""),
        ("name=2024", "name", "must be text, and is the number 2024", "quotation marks"),
        ("data.labels=[0, 1]", "data.labels.0", "must be text, and is the number 0", "quotation marks"),
        ("teacher=[x]", "teacher", "must be a mapping, and is a list of 1", ""),
        ("quantize={}", "quantize", "must be a list, and is an empty mapping", ""),
        ("variants=[{name: a, set: {}}]", "variants.0.set", "a mapping of at least 1, and is an empty mapping", ""),
        ("benchmark.workloads=null", "benchmark.workloads", "must be a list, and is null", ""),
        ("student.layers=[]", "student.layers", "a list of at least 1, and is an empty list", ""),
        ("distill.learning_rate=.inf", "distill.learning_rate", "must be a finite number", ""),
        # Bounds and forms.
        ("distill.epochs=0", "distill.epochs", "must be more than 0 or auto, and is the number 0", ""),
        ("distill.warmup=1", "distill.warmup", "must be less than 1, and is the number 1", ""),
        ("seed=99999999999", "seed", "must be less than 4294967296", ""),
        ("bundle.golden=0", "bundle.golden", "must be at least 1", ""),
        ("bundle.golden=257", "bundle.golden", "must be at most 256", ""),
        ("data.sha256=abc", "data.sha256", "must be 64 hexadecimal digits", ""),
        ("name=a b", "name", "must be made of letters", ""),
        ("gates.speedup=3", "gates.speedup", "a comparison and a number in quotation marks", ""),
        ("gates.speedup==> 3", "gates.speedup", "a comparison and a number in quotation marks", ""),
        ("data.split.test=5", "data.split.test", "must be less than 1 or text, and is the number 5", ""),
        ("data.source=5", "data.source", "must be text or a mapping", "one file per split"),
        # Words that are not among the known ones.
        ("task=text-clasification", "task", "text-classification", "did you mean `text-classification`?"),
        ("distill.scheduler=lineer", "distill.scheduler", "linear or cosine or constant", "did you mean `linear`?"),
        ("benchmark.targets=[{device: gpu}]", "benchmark.targets.0.device", "must be cpu or cuda", "known here"),
        ("quantize.0.method=dinamic", "quantize.0.method", "there is no method 'dinamic'", "did you mean `dynamic`?"),
        # Kinds.
        (
            "distill.objectives.0.kind=soft_target",
            "distill.objectives.0.kind",
            "no kind 'soft_target'",
            "`soft-targets`?",
        ),
        (
            "distill.objectives.0.kind=zzz",
            "distill.objectives.0.kind",
            "no kind 'zzz'",
            "known here: adversarial, ",
        ),
        ("distill.objectives.0.kind=7", "distill.objectives.0.kind", "no kind 7", "known here"),
        (
            "distill.objectives.0={weight: 1}",
            "distill.objectives.0",
            "needs the key `kind`",
            "one of: adversarial, ",
        ),
        ("quantize.0={name: a}", "quantize.0", "needs the key `method`", "one of: dynamic"),
        # Unknown keys.
        ("distill.epoch=1", "distill.epoch", "not a known key", "did you mean `epochs`?"),
        (
            "distill.objectives.1.temperature=1",
            "distill.objectives.1.temperature",
            "not a known key",
            "label_smoothing",
        ),
        ("distill.objectives.0.temprature=1", "distill.objectives.0.temprature", "not a known key", "`temperature`?"),
        ("teacher.epochs=1", "teacher.epochs", "not a known key", "it belongs in `teacher.finetune`"),
        ("max_length=1", "max_length", "not a known key", "it belongs in `data`"),
        ("<<={}", "<<", "not a known key", "extends"),
        # The branch of a choice that fits best is the one that complains.
        (
            "distill.objectives.1={kind: hidden-states, layers: [[1, 2], [3]]}",
            "distill.objectives.1.layers.1.1",
            "is missing",
            "",
        ),
        ("distill.objectives.1={kind: hidden-states, layers: lst}", "distill.objectives.1.layers", "", "`last`?"),
    ],
)
def test_a_mistake_is_explained_in_plain_words_at_its_path(
    tmp_path: Path, override: str, path: str, message: str, hint: str
) -> None:
    found = {problem.path: problem for problem in problems_of(write(tmp_path), [override])}
    assert path in found, list(found)
    assert message in found[path].message
    assert hint in (found[path].hint or "")
    assert found[path].override == override


def test_no_message_speaks_pydantic(tmp_path: Path) -> None:
    text = "\n".join(str(problem) for problem in problems_of(write(tmp_path, BASE.replace(": ", ": [", 1) + "]\n")))
    assert "Input should" not in text


def test_one_mistake_is_one_problem(tmp_path: Path) -> None:
    assert only(problems_of(write(tmp_path), ["data.split.validation=1.5"])).path == "data.split.validation"


def test_suggestions_ignore_case_and_separators() -> None:
    assert suggest("Soft_Targets", ["soft-targets", "hard-labels"]) == "did you mean `soft-targets`?"
    assert suggest("zzz", ["a", "b"]) == "known here: a, b"


def test_every_pattern_of_the_language_has_words() -> None:
    def patterns(value: object) -> set[str]:
        if isinstance(value, list):
            return set().union(*map(patterns, value))
        if not isinstance(value, dict):
            return set()
        own = {value["pattern"]} if isinstance(value.get("pattern"), str) else set()
        return own.union(*map(patterns, value.values()))

    schema = json.loads(json.dumps(json_schema()))
    gates = patterns(schema["$defs"].pop("GatesSection"))
    assert len(gates) == 1  # explained by the type itself
    assert patterns(schema) - gates == set(PATTERNS)
