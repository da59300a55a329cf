"""From a data file to a recipe: look, guess, prepare the data as a run would, choose values, write them down."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from compressor.data import prepare
from compressor.data.peek import Peek, peek
from compressor.errors import DataError
from compressor.events import Events
from compressor.init.column import Column
from compressor.init.estimate import Estimate, estimate, measure_speed
from compressor.init.guess import Ask, Given, guess
from compressor.init.lengths import Lengths, choose_length, lengths_of
from compressor.init.reading import Reading
from compressor.init.recipe_text import Choices, Line, recipe_name, recipe_text
from compressor.init.teacher import Teacher, teacher_of
from compressor.recipe import Recipe, load_recipe
from compressor.task_specs import TASK_SPECS, TaskSpec

__all__ = ["Draft", "Wishes", "draft_recipe"]

_FEW_TEXTS = 1000
_MOST_REJECTED = 0.5
_USUAL_REJECTED = 0.05
_LARGE_NUMBER = 100
_LEAST_GROUPS, _LEAST_ROWS_A_GROUP, _LONGEST_GROUP_NAME = 5, 3, 60


@dataclass(frozen=True)
class Wishes:
    """What the call asks for; what it leaves open is guessed."""

    task: str | None = None
    texts: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    teacher: str | None = None
    format: str | None = None
    name: str | None = None


@dataclass(frozen=True)
class Draft:
    """A recipe, and what it was made of."""

    text: str
    recipe: Recipe
    spec: TaskSpec
    reading: Reading
    teacher: Teacher
    format: str
    facts: Mapping[str, Any]
    """What preparing the data told: see `data.prepare`."""
    lengths: Lengths
    left_out: tuple[str, ...]
    """Columns that play no role."""
    group: str | None
    """A column that could keep rows together."""
    estimate: Estimate


def draft_recipe(path: Path, wishes: Wishes, events: Events, ask: Ask | None = None) -> Draft:
    """Write the first recipe of a data file. The data are prepared once, in a folder for temporary files.

    Args:
        ask: asks a person about what can't be told; None: the best guess is taken.

    Raises:
        DataError: the file can't be used, or not like this.
        RecipeError: something can't be guessed; the option that says it is named.
    """
    looked = peek(path, wishes.format)
    reading = guess(looked, Given(wishes.task, wishes.texts, wishes.labels), path.name, ask)
    spec = TASK_SPECS.get(wishes.task) if wishes.task else reading.spec
    teacher = teacher_of(wishes.teacher)
    lengths = lengths_of(zip(*(looked.columns[name] for name in reading.texts), strict=True))
    group = _group(looked, reading)
    choices = Choices(
        name=recipe_name(wishes.name or path.name.split(".")[0]),
        source=str(path),
        spec=spec,
        reading=reading,
        teacher=teacher,
        format=wishes.format,
        delimiter=looked.delimiter,
        split=_split(looked),
        length=_length(lengths, teacher),
        max_rejected=(str(_MOST_REJECTED), ""),
        group=group and (group[0], f"{group[1]}: keeps them in one split, which is more honest"),
        tolerance=_tolerance(looked, reading),
    )
    with TemporaryDirectory(prefix="compressor-init-") as folder:
        scratch = Path(folder)
        facts = _prepared(_loaded(choices, scratch), spec, path, scratch / "data", events)
        rows = {split: counted["rows"] for split, counted in facts["splits"].items()}
        choices = replace(choices, max_rejected=_max_rejected(facts), labels=_names(reading, facts))
        choices = replace(choices, epochs=_epochs(_loaded(choices, scratch), rows["train"]))
        recipe = _loaded(choices, scratch)
    assert recipe.data is not None and recipe.distill is not None
    speed = measure_speed(
        teacher.shape,
        batch=recipe.distill.schedule(rows["train"]).batch_size,
        tokens=max(4, round(lengths.mean_up_to(recipe.data.max_length))),
    )
    used = {*reading.texts, *reading.labels}
    return Draft(
        recipe_text(choices),
        recipe,
        spec,
        reading,
        teacher,
        looked.format,
        facts,
        lengths,
        tuple(name for name in looked.columns if name not in used),
        group and group[0],
        estimate(recipe, rows, teacher.shape, speed),
    )


def _loaded(choices: Choices, scratch: Path) -> Recipe:
    """The recipe as a run would read it."""
    file = scratch / "recipe.yaml"
    file.write_text(recipe_text(choices), encoding="utf-8")
    return load_recipe(file)


def _prepared(recipe: Recipe, spec: TaskSpec, path: Path, out: Path, events: Events) -> dict[str, Any]:
    assert recipe.data is not None
    try:
        return prepare(
            recipe.data, spec, seed=recipe.seed, files={"train": path}, out=out, events=_WarningsOnly(events)
        )
    except DataError as error:
        hint = f"{error.hint or ''} Here, --task, --text and --label say how the file is to be read.".strip()
        raise DataError(error.message, hint=hint) from error


def _split(looked: Peek) -> Line:
    if looked.whole and looked.count < _FEW_TEXTS:
        return "{validation: 0.15, test: 0.2}", "of few texts a larger share, so that figures mean something"
    return "{validation: 0.1, test: 0.1}", "carved out, each label in the same share"


def _length(lengths: Lengths, teacher: Teacher) -> Line:
    length = choose_length(lengths, teacher.limit)
    cut = lengths.cut_share(length)
    tail = f"; about {cut:.0%} are longer and cut" if cut >= 0.005 else ""
    return str(length), f"tokens: 95% of the texts have at most about {lengths.p95}{tail}"


def _max_rejected(facts: Mapping[str, Any]) -> Line | None:
    rejected = facts["rejected"]["train"]
    if rejected["share"] <= _USUAL_REJECTED:
        return None
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in rejected["reasons"].items())
    return f"{math.ceil(rejected['share'] * 20 + 1e-9) / 20:g}", f"rows that can't be used: {reasons}"


def _names(reading: Reading, facts: Mapping[str, Any]) -> Line | None:
    """Numbers as labels may be given names."""
    labels = facts["labels"]
    if reading.target != "one-label" or len(labels) > 10 or not all(label.isdigit() for label in labels):
        return None
    return "{" + ", ".join(f'"{label}": name' for label in labels) + "}", "names in place of numbers, if you like"


def _epochs(recipe: Recipe, texts: int) -> dict[str, str]:
    finetune = None if recipe.teacher is None else recipe.teacher.finetune
    sections = {"finetune": finetune, "distill": recipe.distill}
    told = {}
    for name, section in sections.items():
        if section is not None:
            plan = section.schedule(texts)
            told[name] = f"{texts:,} texts: {plan.epochs:g} passes of {plan.steps_per_epoch:,} steps"
    return told


def _tolerance(looked: Peek, reading: Reading) -> Line | None:
    """What export may differ by is in the data's units."""
    columns = [Column(name, looked.columns[name]) for name in reading.labels] if reading.target == "number" else []
    largest = max((abs(value) for column in columns for value in column.numbers or ()), default=0.0)
    if largest <= _LARGE_NUMBER:
        return None
    return (
        f"  tolerance: {10.0 ** (math.ceil(math.log10(largest)) - 6):.1e}",
        "in the data's units: your numbers are large",
    )


def _group(looked: Peek, reading: Reading) -> tuple[str, str] | None:
    """The column with most values of those that name what several rows belong to, and why it is one."""
    found = []
    for name, values in looked.columns.items():
        column = Column(name, values)
        if name in (*reading.texts, *reading.labels) or column.texts is None:
            continue
        repeats = column.rows_a_value >= _LEAST_ROWS_A_GROUP and len(column.counts) >= _LEAST_GROUPS
        if repeats and column.characters <= _LONGEST_GROUP_NAME and (column.numbers is None or column.is_whole):
            why = f"{column.rows_a_value:.0f} rows for each value of `{name}`"
            found.append((len(column.counts), (name, why)))
    return max(found)[1] if found else None


class _WarningsOnly:
    """Progress and warnings; what else preparing tells stands in the table."""

    def __init__(self, events: Events) -> None:
        self._events = events

    def progress(self, what: str, done: float, total: float | None, detail: str = "") -> None:
        self._events.progress(what, done, total, detail)

    def note(self, message: str) -> None:
        return None

    def warn(self, message: str) -> None:
        self._events.warn(message)

    def validated(self, what: str, epoch: float, metrics: Mapping[str, float]) -> None:
        return None
