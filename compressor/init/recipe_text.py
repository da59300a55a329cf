"""The recipe, as text with comments: each says why its value was chosen."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import yaml

from compressor.init.reading import Reading
from compressor.init.teacher import Teacher
from compressor.task_specs import TaskSpec

__all__ = ["Choices", "Line", "recipe_name", "recipe_text"]

_COMMENT_AT = 44
"""Column that comments begin at, where their line is shorter."""
_WIDTH = 120

Line = tuple[str, str]
"""What the recipe says, and why."""


@dataclass(frozen=True)
class Choices:
    """What was chosen for a file, each with its reason."""

    name: str
    source: str
    spec: TaskSpec
    reading: Reading
    teacher: Teacher
    format: str | None
    """Where neither the file's name nor its first lines tell."""
    delimiter: str | None
    split: Line
    length: Line
    max_rejected: Line | None = None
    labels: Line | None = None
    """A suggestion: written as a comment."""
    group: Line | None = None
    """A suggestion too."""
    epochs: Mapping[str, str] | None = None
    """Section -> what `epochs: auto` comes to, in words."""
    tolerance: Line | None = None
    """Of the export, where answers are large numbers."""


def recipe_name(name: str) -> str:
    """A name as a recipe may have it."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-._") or "recipe"


def recipe_text(choices: Choices) -> str:
    """A recipe of every section that a first run needs."""
    spec = choices.spec
    lines: list[Line] = [
        (f"name: {_value(choices.name)}", ""),
        (f"task: {spec.name}", _plain(choices.reading.why)),
        ("seed: 13", "of splits and training: the same seed gives the same result"),
        ("", ""),
        *_data(choices),
        ("", ""),
        *_teacher(choices),
        ("", ""),
        ("student:", ""),
        ("  init: teacher", "begins as a copy of the teacher"),
        (f"  layers: {_value(list(choices.teacher.student_layers))}", "its lower half: half the work for each text"),
        ("", ""),
        *_distill(choices),
        *([("", ""), ("export:", ""), choices.tolerance] if choices.tolerance else []),
        ("", ""),
        ("quantize:", ""),
        ("  - {name: int8, method: dynamic}", "a quarter of the size, faster on a CPU"),
        ("", ""),
        ("benchmark:", ""),
        ("  targets:", ""),
        ("    - {device: cpu, threads: 1}", "as on a small device; add {device: cuda} for a GPU"),
        ("", ""),
        ("gates:", "what must hold for it to ship; keep the quotation marks"),
        ('  quality_retained: ">= 0.90"', "of the teacher's result on the test texts"),
        ('  size_ratio: "<= 0.30"', "of the fp32 ONNX file"),
    ]
    return _joined(
        [
            (
                f"# Written by `compressor init` for {_plain(PurePath(choices.source).name)}: a start, to be changed.",
                "",
            ),
            *lines,
        ]
    )


def _data(choices: Choices) -> list[Line]:
    reading, spec = choices.reading, choices.spec
    roles: dict[str, Any] = dict(zip(spec.text_roles, reading.texts, strict=False))
    if reading.labels:
        roles[spec.target_role] = reading.labels[0] if len(reading.labels) == 1 else list(reading.labels)
    lines: list[Line] = [("data:", ""), (f"  source: {_value(choices.source)}", "seen from where the run is started")]
    if choices.format is not None:
        lines.append((f"  format: {choices.format}", "its name doesn't tell"))
    if choices.delimiter is not None:
        lines.append((f"  delimiter: {_value(choices.delimiter)}", "what separates the fields of this file"))
    if any(role != column for role, column in roles.items()):
        lines.append((f"  columns: {_value(roles)}", "role in the task: column of the file"))
    if reading.separator is not None:
        lines.append((f"  label_separator: {_value(reading.separator)}", "between several labels in one field"))
    if choices.labels is not None:
        lines.append((f"  # labels: {choices.labels[0]}", choices.labels[1]))
    lines.append((f"  split: {choices.split[0]}", choices.split[1]))
    if choices.group is not None:
        column, why = choices.group
        grouped = choices.split[0].removesuffix("}") + f", group: {_value(column, flow=True)}}}"
        lines.append((f"  # split: {grouped}", why))
    if choices.max_rejected is not None:
        lines.append((f"  max_rejected: {choices.max_rejected[0]}", choices.max_rejected[1]))
    return [*lines, (f"  max_length: {choices.length[0]}", choices.length[1])]


def _teacher(choices: Choices) -> list[Line]:
    teacher = choices.teacher
    lines: list[Line] = [("teacher:", "")]
    if teacher.sha256 is None:
        lines.append((f"  model: {_value(teacher.reference)}", ""))
    else:
        lines += [
            (
                "  # MiniLM, small and from the package index. A larger model, of the hub or a folder, teaches better:",
                "",
            ),
            ("  #   model: sentence-transformers/all-mpnet-base-v2     (then leave sha256 out)", ""),
            (f"  model: {teacher.reference}", ""),
            (f"  sha256: {teacher.sha256}", "any other content is refused"),
        ]
    if not _is_finetuned(choices):
        return [*lines, ("  # No finetune: the teacher is taken as it is.", "")]
    return [
        *lines,
        ("  finetune:", "it learns the task from your labels first"),
        *_schedule(choices, "finetune"),
        ("    learning_rate: 5.0e-5", "usual for a small model: 2e-5 to 5e-5 for larger ones"),
    ]


def _distill(choices: Choices) -> list[Line]:
    vectors = _gives_vectors(choices.spec)
    lines = [
        ("distill:", "the student learns to answer as the teacher does"),
        *_schedule(choices, "distill", indent=2),
        (
            f"  learning_rate: {'2.0e-4' if vectors else '1.0e-4'}",
            "larger steps than for fine-tuning: a student has more to learn",
        ),
        ("  objectives:", ""),
    ]
    if vectors:
        return [
            *lines,
            ("    - {kind: soft-targets}", "the teacher's vector of each text"),
            ("    - {kind: similarity, weight: 5.0}", "how alike the texts of a batch are"),
        ]
    classes = any(output.likelihood in ("categorical", "bernoulli") for output in choices.spec.outputs)
    soft = "{kind: soft-targets, weight: 0.9, temperature: 2.0}" if classes else "{kind: soft-targets, weight: 0.9}"
    return [
        *lines,
        (f"    - {soft}", "mostly what the teacher answers"),
        ("    - {kind: hard-labels, weight: 0.1}", "and a little of what the data says"),
    ]


def _schedule(choices: Choices, section: str, indent: int = 4) -> Sequence[Line]:
    space = " " * indent
    told = (choices.epochs or {}).get(section, "")
    return (
        (f"{space}epochs: auto", told or "adapts to the number of texts"),
        (f"{space}batch_size: auto", "smaller for few texts: more steps"),
    )


def _is_finetuned(choices: Choices) -> bool:
    return bool(choices.reading.labels) and not _gives_vectors(choices.spec)


def _gives_vectors(spec: TaskSpec) -> bool:
    return any(output.likelihood == "vector" for output in spec.outputs)


def _joined(lines: Sequence[Line]) -> str:
    written = []
    for said, why in lines:
        line = f"{said.ljust(_COMMENT_AT)}  # {_plain(why)}" if why else said
        if len(line) > _WIDTH and why:
            indent = " " * (len(said) - len(said.lstrip()))
            written.append(f"{indent}# {_plain(why)}")
            line = said
        written.append(line)
    return "\n".join(written) + "\n"


def _value(value: Any, *, flow: bool = False) -> str:
    """A value in YAML, on one line; a dollar sign doubled, since a single one reads the environment."""
    written = yaml.safe_dump(
        [value] if flow else value, default_flow_style=True, allow_unicode=True, sort_keys=False, width=10**9
    )
    written = written.removesuffix("...\n").strip()
    if "\n" in written:
        written = json.dumps([value] if flow else value, ensure_ascii=False)
    return (written[1:-1] if flow else written).replace("$", "$$")


def _plain(text: str) -> str:
    """Words of a file in a comment: one line, nothing that controls a terminal."""
    shown = " ".join(text.split())
    return "".join(letter if letter.isprintable() else "?" for letter in shown)
