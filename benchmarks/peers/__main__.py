"""What other toolkits make of a checkpoint, beside ours: time, accuracy and size of the same text classifier.

    python -m benchmarks.peers CHECKPOINT --work DIR --test test.csv --train train.csv --json peers.json
    python -m benchmarks.peers CHECKPOINT --work DIR --only ours olive "openvino int8-static"
    python -m benchmarks.peers CHECKPOINT --work DIR --student FASTER      a student made for speed in the same rounds
    python -m benchmarks.peers --tiny             a small random model, toolkits of this environment: whether it runs
    python -m benchmarks.peers --list             toolkits, what each makes and what it needs

CHECKPOINT is a folder as `save_pretrained` writes it. Each toolkit gets an environment of its own in DIR/environments,
which is made once (several GB and some minutes in all) and kept. All models are then timed on the same token ids in
fresh processes, one after the other: let nothing else run. What can't be installed, converted or run is a row that says
why.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.synthetic import write_model, write_texts
from compressor.bench import Subject
from compressor.bench.environment import cpu_ticks, environment
from compressor.compare.inputs import assert_shape
from compressor.errors import CompressorError

from .answers import judged
from .race import Race, convert
from .registry import OURS, REFERENCE, entries, toolkits
from .table import table
from .texts import NATURAL, Texts, assert_same_labels, open_checkpoint

TINY: dict[str, Any] = {"shapes": ["1x8", "2x8"], "rounds": 1, "calls": 3, "warm_up": 1}
"""Settings that only show that it runs."""


def compare(options: argparse.Namespace, work: Path) -> dict[str, Any]:
    """Convert, time and ask. The document is written after each round, so that a run that is stopped leaves figures."""
    texts = _texts(options.checkpoint, options, work)
    student = _texts(options.student, options, work / "student") if options.student else None
    if student is not None:
        assert_same_labels(student.subject, texts.subject)
    subject, targets = texts.subject, texts.targets
    chosen = entries(options.only, here=options.tiny, student=student is not None)
    names = {entry.name for entry in chosen}
    bases = {kind: base for kind, base in zip(("float", "int8"), options.bases, strict=True) if base in names}
    models = convert([entry for entry in chosen if not entry.student], texts, work)
    if student is not None:
        models += convert([entry for entry in chosen if entry.student], student, work)
    ticks = cpu_ticks()
    race = Race(models, work, options.rounds, options.calls, options.warm_up, options.seed)
    rounds: list[dict[str, dict[str, float]]] = []
    document: dict[str, Any] = {}
    for found in race.run():
        rounds.append(found)
        logits = {made.entry.name: race.logits(made) for made in models if made.error is None}
        answers = judged({name: array for name, array in logits.items() if array is not None}, targets, REFERENCE)
        document = {
            "settings": _settings(options, subject, student),
            "kinds": [*options.shapes, NATURAL],
            "bases": {kind: bases.get(kind, "") for kind in ("float", "int8")},
            "entries": {m.entry.name: {**m.to_json(), "answers": answers.get(m.entry.name)} for m in models},
            "rounds": rounds,
            "environment": environment(since=ticks),
        }
        if options.json:
            options.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
            options.json.with_suffix(".md").write_text(table(document) + "\n", encoding="utf-8")
    return document


def _texts(checkpoint: Path, options: argparse.Namespace, folder: Path) -> Texts:
    """What its models are asked, in its own token ids."""
    subject = open_checkpoint(checkpoint)
    if options.max_length:
        subject = replace(subject, max_length=options.max_length)
    for shape in options.shapes:
        assert_shape(shape, subject)
    return Texts.read(subject, options.test, options.train, shapes=options.shapes, natural=options.calls, folder=folder)


def _settings(options: argparse.Namespace, subject: Subject, student: Texts | None) -> dict[str, Any]:
    kept = {name: getattr(options, name) for name in ("rounds", "calls", "warm_up", "seed")}
    called = student.subject.name if student else None
    return {"checkpoint": subject.name, "student": called, "max_length": subject.max_length, **kept}


def write_tiny(folder: Path) -> dict[str, Any]:
    """A random model with texts, as options."""
    checkpoint = write_model(folder / "tiny", layers=1, hidden=32, labels=True)
    files = {}
    for seed, name in enumerate(("test", "train")):
        packed = write_texts(folder / f"{name}.csv.gz", 20, seed=seed)
        files[name] = folder / f"{name}.csv"
        files[name].write_bytes(gzip.decompress(packed.read_bytes()))
    return {"checkpoint": checkpoint, **files, **TINY}


def listed() -> str:
    """The toolkits, for people."""
    lines = []
    for toolkit in toolkits():
        lines.append(f"{toolkit.name}: {', '.join(toolkit.requirements) or 'in the environment of this project'}")
        lines += [f"    {variant:14} {how}" for variant, how in toolkit.module.VARIANTS.items()]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        "python -m benchmarks.peers", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkpoint", type=Path, nargs="?", help="folder of a text classifier; left out with --tiny")
    parser.add_argument("--student", type=Path, help="folder of a second checkpoint of ours, with the same labels")
    parser.add_argument("--work", type=Path, help="folder for environments and models, kept between runs")
    parser.add_argument("--test", type=Path, help="csv, tsv or jsonl with `text` and `label`: accuracy, real lengths")
    parser.add_argument("--train", type=Path, help="the same, to calibrate static int8 with; labels fit static heads")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="toolkits, or one model: 'olive int8'")
    parser.add_argument("--shapes", nargs="+", default=["1x32", "1x128", "8x64"], metavar="SHAPE")
    parser.add_argument("--max-length", type=int, help="tokens a text is cut to; left out, at most 128")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--calls", type=int, default=100, help="that count, for each kind of input in a process")
    parser.add_argument("--warm-up", type=int, default=20, help="calls before these")
    parser.add_argument(
        "--bases", nargs=2, default=[f"{OURS} fp32", f"{OURS} int8"], metavar=("FLOAT", "INT8"), help="of ratios"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the order in each round")
    parser.add_argument("--tiny", action="store_true", help="a small random model, toolkits of this environment")
    parser.add_argument("--list", action="store_true", help="only name the toolkits")
    parser.add_argument("--json", type=Path, help="write everything here, and the tables beside it as .md")
    options = parser.parse_args()
    if options.list:
        sys.stdout.write(listed() + "\n")
        return
    if not options.tiny and (options.checkpoint is None or options.work is None):
        parser.error("give a checkpoint and --work DIR, or --tiny.")
    with tempfile.TemporaryDirectory(prefix="compressor-peers-") as temporary:
        work = (options.work or Path(temporary)).resolve()
        work.mkdir(parents=True, exist_ok=True)
        if options.tiny:
            vars(options).update(write_tiny(Path(temporary)))
        try:
            document = compare(options, work)
        except CompressorError as error:
            raise SystemExit("\n".join(filter(None, (error.message, error.hint)))) from error
    sys.stdout.write(table(document) + "\n")


if __name__ == "__main__":
    main()
