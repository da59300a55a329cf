"""What was found, as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

import numpy as np

from compressor.compare.decision import loss

__all__ = ["ratios", "table"]

Round = Mapping[str, Mapping[str, float]]
"""Entry -> kind of input -> median ms of a call, in one process."""
TITLES = {"float": "Weights in floating point", "int8": "Weights in int8"}


def ratios(rounds: Sequence[Round], of: str, to: str, kind: str) -> list[float]:
    """The time of an entry as a share of another's, in each round that has both."""
    both = [one for one in rounds if all(kind in one.get(name, {}) for name in (of, to))]
    return [one[of][kind] / one[to][kind] for one in both]


def table(document: Mapping[str, Any]) -> str:
    """A table for floating point and one for int8, each related to ours of its kind, and ours as a share of each other;
    then how each model was made."""
    rounds, settings, machine = document["rounds"], document["settings"], document["environment"]
    lines = [
        f"Checkpoint {settings['checkpoint']} on {machine['cpu']} ({', '.join(machine['cpu_flags'])}), one thread, "
        f"default options; p50 in ms of {settings['calls']} calls, the median over rounds ({len(rounds)}) in each of "
        "which every model has a fresh process, in shuffled order. In brackets the median ratio to the first row "
        "within a round, and its smallest and largest. Times of ours as shares of others' are geometric means over "
        "rounds with their 98% intervals (Student's t of the logarithms).",
    ]
    for kind, title in TITLES.items():
        base = document["bases"][kind]
        names = [name for name, entry in document["entries"].items() if entry["kind"] == kind]
        if names:
            lines += ["", *_times(document, title, sorted(names, key=lambda name: name != base), base)]
        lines += _ours_beside_others(document, title, names)
    if answers := [name for name, entry in document["entries"].items() if entry.get("answers")]:
        lines += ["", *_answers(document, answers)]
    return "\n".join([*lines, "", *_made(document["entries"])])


def _times(document: Mapping[str, Any], title: str, names: Sequence[str], base: str) -> list[str]:
    kinds: list[str] = document["kinds"]
    lines = [f"| {title} | {' | '.join(kinds)} | MB |", f"|---|{'---|' * len(kinds)}---|"]
    for name in names:
        entry = document["entries"][name]
        cells = [_time(document["rounds"], name, base, kind) for kind in kinds]
        if entry["error"]:
            cells = [f"failed: {_escaped(entry['error'])}", *[""] * (len(kinds) - 1)]
        size = "" if entry["size_mb"] is None else f"{entry['size_mb']:.1f}"
        lines.append(f"| {_called(entry, bold=name == base)} | {' | '.join(cells)} | {size} |")
    return lines


def _ours_beside_others(document: Mapping[str, Any], title: str, names: Sequence[str]) -> list[str]:
    """The time of each of ours as a share of each other toolkit's."""
    kinds, entries = document["kinds"], document["entries"]
    alive = [name for name in names if not entries[name]["error"]]
    ours, others = ([name for name in alive if entries[name]["ours"] is mine] for mine in (True, False))
    if not ours or not others:
        return []
    rows = [
        f"| {_called(entries[of])} / {_called(entries[to])} | "
        f"{' | '.join(_share(ratios(document['rounds'], of, to, kind)) for kind in kinds)} |"
        for of in ours
        for to in others
    ]
    return ["", f"| {title}: time of ours / of theirs | {' | '.join(kinds)} |", f"|---|{'---|' * len(kinds)}", *rows]


def _share(shares: Sequence[float]) -> str:
    """The geometric mean, with its 98% interval where there are rounds enough for one."""
    if len(shares) < 2:
        return f"{shares[0]:.2f}" if shares else "-"
    found = loss(np.log(shares))
    return f"{1 + found.value:.2f} ({1 + found.low:.2f}-{1 + found.high:.2f})"


def _time(rounds: Sequence[Round], name: str, base: str, kind: str) -> str:
    found = [one[name][kind] for one in rounds if kind in one.get(name, {})]
    if not found:
        return "-"
    shares = [] if name == base else ratios(rounds, name, base, kind)
    if not shares:
        return f"{median(found):.3g}"
    return f"{median(found):.3g} ({median(shares):.2f}; {min(shares):.2f}-{max(shares):.2f})"


def _answers(document: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    first = document["entries"][names[0]]["answers"]
    lines = [
        f"Answers to {first['n']} test texts, each alone, beside PyTorch in fp32; in brackets 95% intervals. The "
        f"spread of its logits is {first.get('spread', float('nan')):.3g}.",
        "",
        "| | accuracy | points lost or won | same answer | largest difference of a logit |",
        "|---|---|---|---|---|",
    ]
    for name in names:
        entry = document["entries"][name]
        said = entry["answers"]
        same = f"{said['same']:.1%} | {said['largest_difference']:.2g}" if "same" in said else "- | -"
        lines.append(f"| {_called(entry)} | {_accuracy(said)} | {_difference(said)} | {same} |")
    return lines


def _accuracy(said: Mapping[str, Any]) -> str:
    if "accuracy" not in said:
        return "-"
    low, high = said["interval"]["low"], said["interval"]["high"]
    return f"{said['accuracy']:.1%} ({100 * low:.1f}-{100 * high:.1f})"


def _difference(said: Mapping[str, Any]) -> str:
    if "difference" not in said:
        return "-"
    value, interval = said["difference"]["value"], said["difference"]["interval"]
    return f"{100 * value:+.1f} ({100 * interval['low']:+.1f} to {100 * interval['high']:+.1f})"


def _made(entries: Mapping[str, Any]) -> list[str]:
    lines = ["| model | made by | with |", "|---|---|---|"]
    for entry in entries.values():
        versions = ", ".join(f"{name} {version}" for name, version in entry["versions"].items())
        lines.append(f"| {_called(entry)} | {entry['how']} | {versions} |")
    return lines


def _called(entry: Mapping[str, Any], *, bold: bool = False) -> str:
    name = f"{entry['toolkit']}, {entry['variant']}"
    return f"**{name}**" if bold or entry["ours"] else name


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")[:200]
