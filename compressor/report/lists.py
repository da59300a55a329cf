"""Tables of the commands that answer questions: plan, cache, predict, verify, doctor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import RenderableType

from compressor.errors import listed
from compressor.report import format as fmt
from compressor.report.blocks import Prose, table
from compressor.report.printers.console import blocks_console

__all__ = [
    "cache_table",
    "garbage_table",
    "kept_table",
    "plain_table",
    "plan_table",
    "predictions_table",
    "push_table",
    "reasons_table",
    "self_test_table",
    "study_plan_table",
    "verification_table",
]

MOST_VALUES = 8
"""Of one answer that a table shows."""
KEY_LENGTH = 12
"""Characters of a key that are shown: enough for `cache rm`."""


def plain_table(header: Sequence[str], rows: Sequence[Sequence[str]], lines: Sequence[str] = ()) -> RenderableType:
    """A table of text, and lines below it."""
    return blocks_console([table(header, rows, words=range(len(header))), *map(Prose, lines)])


def plan_table(
    stages: Sequence[Mapping[str, Any]],
    skipped: Mapping[str, str],
    missing: Sequence[str],
    kept: Sequence[Mapping[str, Any]] = (),
) -> RenderableType:
    """Stages in order with what would happen to each; what will be kept of teachers; targets that are left out; what
    must be installed first."""
    rows = [_planned(stage) for stage in stages]
    lines = [*map(_kept, kept), *_left_out(stages, skipped, missing)]
    return plain_table(("stage", "state", "took", "size", "key"), rows, lines)


def study_plan_table(
    stages: Sequence[Mapping[str, Any]],
    runs: int,
    told: str,
    skipped: Mapping[str, str],
    missing: Sequence[str],
    kept: Sequence[Mapping[str, Any]] = (),
) -> RenderableType:
    """The stages of several runs, each once, with the runs that have it; `told`: how much they share."""
    rows = []
    for stage in stages:
        users = "all" if len(stage["runs"]) == runs else listed(stage["runs"], most=3)
        rows.append((*_planned(stage), users))
    lines = [told, *map(_kept, kept), *_left_out(stages, skipped, missing)]
    return plain_table(("stage", "state", "took", "size", "key", "runs"), rows, lines)


def _planned(stage: Mapping[str, Any]) -> tuple[str, ...]:
    took = fmt.duration(stage["seconds"]) if stage["seconds"] is not None else ""
    size = f"{stage['size'] / 1e6:.1f} MB" if stage["size"] is not None else ""
    return stage["name"], stage["state"], took, size, stage["key"][:KEY_LENGTH]


def _kept(found: Mapping[str, Any]) -> str:
    """What a stage will write down of a teacher."""
    said = f"{found['stage']} keeps the teacher's {' and '.join(['outputs', *found['signals']])}: "
    if found["bytes_per_text"] is None:
        return f"{said}how much that is can be told once data and teacher are here, or depends on how long texts are."
    said += f"{_bytes(found['bytes_per_text'])} a text to train on"
    if found["texts"] is None:
        return f"{said}; how many texts there are isn't known yet."
    bound = "at most " if found["at_most"] else ""
    return f"{said}, {bound}{_bytes(1e6 * found['megabytes'])} for {found['texts']:,} texts."


def _bytes(count: float) -> str:
    return f"{count:g} bytes" if count < 1e3 else f"{fmt.count(count)}B"


def _left_out(stages: Sequence[Mapping[str, Any]], skipped: Mapping[str, str], missing: Sequence[str]) -> list[str]:
    lines = [f"{name} is not on this machine and is left out ({reason})." for name, reason in skipped.items()]
    if missing and any(stage["state"] != "cached" for stage in stages):
        lines.append(f"Not installed: {', '.join(missing)}. Install: pip install 'compressor[toolkit]'")
    return lines


def cache_table(root: str, artifacts: Sequence[Mapping[str, Any]], interrupted: Sequence[str]) -> RenderableType:
    """Finished stages, newest first, then interrupted ones."""
    rows = []
    for a in artifacts:
        took, size = fmt.duration(a["seconds"]), f"{a['size_mb']:.1f} MB"
        rows.append((a["stage"], a["key"][:KEY_LENGTH], a["created"], a["used"], took, size))
    total = sum(a["size_mb"] for a in artifacts)
    lines = [f"{len(rows)} stages, {total:.0f} MB in {root}", *(f"Interrupted: {name}" for name in interrupted)]
    return plain_table(("stage", "key", "created", "last used", "took", "size"), rows, lines)


def garbage_table(result: Mapping[str, Any]) -> RenderableType:
    """What `cache gc` removed or would remove, what running processes need of it, and what is left."""
    rows = [(a["stage"], a["key"][:KEY_LENGTH], a["used"], f"{a['size_mb']:.1f} MB") for a in result["removed"]]
    done = "Would remove" if result["dry_run"] else "Removed"
    lines = [
        f"{done} {len(rows)} stages, {result['freed_mb']:.0f} MB; {result['size_mb']:.0f} MB stay in {result['root']}.",
        *(f"Needed by a running process, and kept: {a['stage']} {a['key'][:KEY_LENGTH]}" for a in result["in_use"]),
    ]
    return plain_table(("stage", "key", "last used", "size"), rows, lines) if rows else "\n".join(lines)


def kept_table(result: Mapping[str, Any]) -> RenderableType:
    """What `cache verify` found: folders that are damaged, then those that are half made."""
    rows = [(damage["folder"], damage["why"], _done_about(damage)) for damage in result["damaged"]]
    lines = [
        f"{result['stages']} stages and {result['downloads']} downloads were hashed; {len(rows)} are damaged.",
        *(f"Half made: {folder}" for folder in result["half_made"]),
    ]
    return plain_table(("folder", "what is wrong", ""), rows, lines) if rows else "\n".join(lines)


def _done_about(damage: Mapping[str, Any]) -> str:
    return "removed" if damage["removed"] else "a running process needs it" if damage["in_use"] else ""


def reasons_table(reasons: Sequence[Mapping[str, Any]]) -> RenderableType:
    """Why stages would run."""
    if not reasons:
        return "Every stage is cached."
    rows = []
    for reason in reasons:
        if reason["nearest"] is None:
            rows.append((reason["stage"], "nothing of this kind is stored", "", ""))
        for path, stored, wanted in reason["changes"]:
            rows.append((reason["stage"], path, _short(stored), _short(wanted)))
    return plain_table(("stage", "what differs", "stored", "wanted"), rows)


def predictions_table(texts: Sequence[str], answers: Sequence[Mapping[str, Any]], role: str = "text") -> RenderableType:
    """A line a text: what its answer says, but for the scores of every label, and the text."""
    header = [name for name in (answers[0] if answers else ()) if name != "scores"]
    rows = [[*(_answer(answer[name]) for name in header), text] for text, answer in zip(texts, answers, strict=True)]
    return plain_table((*header, role), rows)


def _answer(value: Any) -> str:
    if isinstance(value, Mapping):
        return " ".join(map(_answer, value.values()))
    if isinstance(value, list | tuple):
        more = f", ... ({len(value)})" if len(value) > MOST_VALUES else ""
        return ", ".join(map(_answer, value[:MOST_VALUES])) + more or "(none)"
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def verification_table(result: Mapping[str, Any]) -> RenderableType:
    """What the self-test of a bundle found."""
    rows = [
        (variant, f"{difference:.2g}", f"{result['tolerances'][variant]:.2g}")
        for variant, difference in result["variants"].items()
    ]
    lines = [f"{result['files']} files are as sealed; {result['texts']} texts are answered as sealed."]
    if "signed_by" in result:
        lines.append(f"Signed by the key {result['signed_by']}.")
    if result.get("text_graph") is not None:
        lines.append(f"The file that takes texts answers them, too: largest difference {result['text_graph']:.2g}.")
    if "client" in result:
        versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
        lines += [
            f"Answered by {versions}.",
            f"It tokenized {result['tokenized']} of {result['rows']} rows itself, as they were sealed, and was given "
            f"the tokens of the others; {result['pipelines']} answers of its pipelines agree with its outputs.",
        ]
    return plain_table(("variant", "largest difference", "tolerance"), rows, lines)


def push_table(result: Mapping[str, Any]) -> RenderableType:
    """The files that would go to a hub, or went; what they give away, and what stays here."""
    files = result["files"]
    rows = [(file["name"], f"{fmt.number(file['bytes'] / 1e6)} MB") for file in files]
    shown = "private" if result["private"] else "public"
    how = " as a pull request" if result["pull_request"] else f", branch {result['revision']}"
    total = sum(file["bytes"] for file in files) / 1e6
    lines = [f"{len(files)} files, {total:.1f} MB, to {result['url']} ({shown}){how}.", *result["carries"]]
    if result["left"]:
        lines.append(f"Not of the bundle, and not sent: {listed(result['left'])}.")
    return plain_table(("file", "size"), rows, lines)


def self_test_table(result: Mapping[str, Any]) -> RenderableType:
    """How often the comparison was wrong, and how much it can't tell apart here."""
    kinds = {"same": ("A itself", "false alarms"), "slowed": (f"A slowed by {result['slow_down']:.0%}", "missed")}
    rows, lines = [], []
    for figures in result["figures"]:
        words, mistake = kinds[figures["kind"]]
        counts = [str(count) for count in figures["verdicts"].values()]
        losses = f"{figures['loss_low']:+.1%} to {figures['loss_high']:+.1%}"
        rows.append((words, str(figures["runs"]), *counts, losses))
        lines.append(
            f"{mistake[:1].upper()}{mistake[1:]}: {figures['wrong']} of {figures['runs']}, so at most "
            f"{figures['wrong_at_most']:.0%} (95% confidence); more --runs narrow that."
        )
    lines.append(
        f"{result['tolerance']:.0%} is allowed. A copy of A is within {result['noise']:.1%} of A on this machine "
        "(99% bounds, median over runs): smaller losses can't be told."
    )
    verdicts = result["figures"][0]["verdicts"]
    return plain_table(("B is", "comparisons", *verdicts, "loss found"), rows, lines)


def _short(value: Any) -> str:
    """A digest is cut to what tells it apart."""
    text = str(value)
    return text[:KEY_LENGTH] + "…" if len(text) == 64 and " " not in text else text
