"""What was found in a file and chosen for it, in a few lines: for the eye and for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from compressor.errors import listed, shortened
from compressor.init.draft import Draft
from compressor.report.format import duration, percent

__all__ = ["labels_of", "summary_json", "summary_lines", "summary_rows"]

_MOST_LABELS = 6
_FEW_OF_A_LABEL = 10
_MOSTLY = 0.8
_FEW_TO_TEST = 100
_LONG_SECONDS, _TRIAL = 3600, 2000


def summary_rows(found: Draft) -> list[tuple[str, str]]:
    """What and what was found, a row each."""
    data = found.recipe.data
    assert data is not None
    read = found.facts["read"]["train"]
    splits = ", ".join(f"{name} {split['rows']:,}" for name, split in found.facts["splits"].items())
    rows = [
        ("file", f"{read:,} rows, {found.format}{f', separated by {data.delimiter!r}' if data.delimiter else ''}"),
        ("task", f"{found.spec.name} ({found.reading.why})"),
        (
            "text",
            f"{listed(found.reading.texts)}: about {found.lengths.mean:.0f} tokens, 95% at most {found.lengths.p95}",
        ),
    ]
    if found.reading.labels:
        counts = labels_of(found.facts)
        several = any(output.likelihood == "bernoulli" for output in found.spec.outputs)
        texts = sum(split["rows"] for split in found.facts["splits"].values())
        balance = f": {_balance(counts, texts if several else counts.total())}" if counts else ""
        rows.append((found.spec.target_role, f"{listed(found.reading.labels)}{balance}"))
    duplicates = found.facts["duplicates"]
    conflicting = duplicates["conflicting_labels"]
    count = duplicates["within"] + duplicates["across"]
    told = f"{count:,}, dropped" if count else "none"
    rows.append(("duplicates", told + (f"; {conflicting:,} with other labels than the first" if conflicting else "")))
    rejected = found.facts["rejected"]["train"]
    if rejected["share"]:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in rejected["reasons"].items())
        rows.append(("can't be used", f"{percent(rejected['share'])} of the rows: {reasons}"))
    if found.left_out:
        rows.append(("not used", listed(found.left_out)))
    shape = found.teacher.shape
    known = "" if found.teacher.known else ", as its name suggests"
    model = f"{shortened(found.teacher.reference, 60)} ({shape.layers} layers of {shape.width}{known})"
    return [
        *rows,
        ("splits", splits),
        ("max_length", f"{data.max_length} tokens"),
        ("teacher", model),
        ("student", f"{len(found.teacher.student_layers)} of its layers"),
        ("training", _training(found)),
    ]


def summary_lines(found: Draft) -> list[str]:
    """Sentences about what the user should look at."""
    lines = [
        "The time is a rough guess, for a machine that does nothing else: a model of the teacher's size was trained "
        f"for some seconds here ({found.estimate.device}, {found.estimate.precision}). Measuring takes some minutes "
        "more."
    ]
    if found.estimate.seconds > _LONG_SECONDS:
        lines.append(f"For a quick trial first: compressor run ... --set data.limit={_TRIAL}")
    test = found.facts["splits"]["test"]["rows"]
    if test < _FEW_TO_TEST:
        lines.append(f"{test:,} texts to test with are few: figures of them are far from sure.")
    if not found.reading.labels:
        lines.append("No column is read as labels. If one holds them, name it with --label.")
    counts = labels_of(found.facts)
    if counts and found.recipe.teacher and found.reading.target == "one-label":
        label, most = counts.most_common(1)[0]
        share = most / counts.total()
        if share > _MOSTLY:
            lines.append(f"Always answering {label!r} would be right for {percent(share)} of the texts.")
    rare = [label for label, count in counts.items() if count < _FEW_OF_A_LABEL]
    if rare:
        lines.append(f"Fewer than {_FEW_OF_A_LABEL} texts: {listed(rare)}. Hardly anything is learned of these.")
    if found.group is not None:
        lines.append(f"Do rows of one `{found.group}` resemble each other? Then use split.group, as the recipe says.")
    return lines


def summary_json(found: Draft) -> dict[str, Any]:
    """The same for programs."""
    data = found.recipe.data
    assert data is not None
    return {
        "task": found.spec.name,
        "texts": list(found.reading.texts),
        "labels": list(found.reading.labels),
        "why": found.reading.why,
        "format": found.format,
        "rows": found.facts["read"]["train"],
        "balance": dict(labels_of(found.facts)),
        "duplicates": found.facts["duplicates"],
        "splits": {name: split["rows"] for name, split in found.facts["splits"].items()},
        "tokens": {"mean": round(found.lengths.mean, 1), "p95": found.lengths.p95, "longest": found.lengths.longest},
        "max_length": data.max_length,
        "group": found.group,
        "steps": {"teacher": found.estimate.teacher_steps, "student": found.estimate.student_steps},
        "seconds": round(found.estimate.seconds),
        "device": found.estimate.device,
    }


def labels_of(facts: Mapping[str, Any]) -> Counter[str]:
    """How often each label occurs, in all splits."""
    counts: Counter[str] = Counter()
    for split in facts["splits"].values():
        counts.update(split["labels"])
    return counts


def _balance(counts: Counter[str], total: int) -> str:
    shown = [f"{label} {percent(count / max(1, total))}" for label, count in counts.most_common(_MOST_LABELS)]
    more = len(counts) - len(shown)
    return listed(shown, _MOST_LABELS) + (f" and {more:,} more" if more > 0 else "")


def _training(found: Draft) -> str:
    made = found.estimate
    teacher = f"{made.teacher_steps:,} steps for the teacher, " if made.teacher_steps else ""
    return f"{teacher}{made.student_steps:,} steps for the student: about {_roughly(made.seconds)}"


def _roughly(seconds: float) -> str:
    """A duration with no more digits than a guess has."""
    if seconds < 60:
        return "a minute" if seconds > 30 else "half a minute"
    if seconds < 5400:
        return f"{max(1, round(seconds / 60))} min"
    return duration(round(seconds / 900) * 900)
