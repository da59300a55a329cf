"""The Python interface: what the commands do, as functions with typed results. Import it as `compressor`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compressor.events import RunEvents, Silent
from compressor.runtime import Answer, Bundle, load

if TYPE_CHECKING:
    import pandas

    from compressor.bench.results import Measurement
    from compressor.compare.results import Comparison
    from compressor.recipe import Recipe
    from compressor.report.document import RunReport
    from compressor.report.study import StudyReport

__all__ = ["Answer", "Bundle", "Run", "Study", "bench", "compare", "compress", "load", "run", "run_study"]

Silence = Silent()


@dataclass(frozen=True)
class Run:
    """What a run left behind."""

    report: RunReport
    """Every figure, as in `report.json`."""
    folder: Path
    """The run directory."""

    @property
    def passed(self) -> bool:
        """Whether every gate of the recipe holds."""
        return self.report.passed

    @property
    def bundle_folder(self) -> Path:
        """The folder that ships."""
        return self.folder / "bundle"

    @property
    def bundle(self) -> Bundle:
        """The bundle, loaded on the CPU."""
        return load(self.bundle_folder)

    def rows(self) -> list[dict[str, Any]]:
        """A row a measured model and target: quality, latency of one text, throughput, memory, size."""
        return [_row(found) for found in self.report.measurements if found.skipped is None and found.failed is None]

    def table(self) -> pandas.DataFrame:
        """`rows` as a table.

        Raises:
            MissingExtra: pandas is not installed.
        """
        try:
            import pandas
        except ImportError as error:
            from compressor.errors import MissingExtra

            raise MissingExtra("A table", "toolkit", "pandas") from error
        return pandas.DataFrame(self.rows())


@dataclass(frozen=True)
class Study:
    """What the runs of a recipe with `seeds` or `variants` left behind."""

    report: StudyReport
    """Every figure, as in `study.json`: a variant each, the recipe as it stands first, with its runs."""
    folder: Path
    """The study's directory."""

    @property
    def passed(self) -> bool:
        """Whether every run finished, and every gate holds for the recipe as it stands, with each seed."""
        return self.report.passed

    def runs(self) -> dict[str, Run]:
        """The runs that finished, by their folder: `base/seed-1`."""
        from compressor.report.document import RunReport

        folders = [member.folder for variant in self.report.variants for member in variant.finished]
        texts = {name: (self.folder / name / "report.json").read_text(encoding="utf-8") for name in folders}
        return {name: Run(RunReport.from_json(json.loads(text)), self.folder / name) for name, text in texts.items()}


def run(
    recipe: str | Path | Recipe,
    overrides: Iterable[str] = (),
    *,
    out: str | Path | None = None,
    force: Sequence[str] = (),
    overwrite: bool = False,
    events: RunEvents = Silence,
) -> Run:
    """Run a recipe: from teacher to measured bundle. Finished stages are reused; an interrupted run goes on.

    Args:
        recipe: a file, the name of a shipped recipe, or a loaded one.
        overrides: as `--set` takes them: `["distill.epochs=1"]`. For a recipe that isn't loaded yet.
        out: the run directory; left out, `runs/<name>`.
        force: stages to make again.
        overwrite: use `out` though it holds files of somebody else.
        events: is told how far the run is.

    Raises:
        RecipeError: the recipe has `seeds` or `variants`, and so is several runs: `run_study` runs it.
        CompressorError: see `compressor.errors`. Gates that fail raise nothing: ask `Run.passed`.
    """
    from compressor.chain.plan import make_plan
    from compressor.chain.run import run_plan
    from compressor.errors import RecipeError
    from compressor.recipe import Recipe, load_recipe

    loaded = recipe if isinstance(recipe, Recipe) else load_recipe(recipe, tuple(overrides))
    if loaded.is_study:
        raise RecipeError(
            f"{loaded.name} has `seeds` or `variants`, and so is several runs.",
            hint="Call compressor.run_study, or leave them out: overrides=['seeds=[]', 'variants=[]'].",
        )
    folder = Path(out) if out is not None else Path("runs") / loaded.name
    report = run_plan(make_plan(loaded.alone), out=folder, events=events, force=force, overwrite=overwrite)
    return Run(report, folder)


def run_study(
    recipe: str | Path,
    overrides: Iterable[str] = (),
    *,
    out: str | Path | None = None,
    force: Sequence[str] = (),
    overwrite: bool = False,
    events: RunEvents = Silence,
) -> Study:
    """Run a recipe with `seeds` or `variants`: the recipe as it stands and each variant, each with every seed.

    All share every stage they can, and an interrupted study goes on. A recipe with neither is one run.

    Args:
        recipe: a file, or the name of a shipped recipe.
        overrides: as `--set` takes them, for all runs.
        out: the study's directory; left out, `runs/<name>`.
        force: stages to make again.
        overwrite: use `out` though it holds files of somebody else.
        events: is told how far it is.

    Raises:
        RecipeError: the recipe or a variant of it is wrong; nothing was run.
        CompressorError: see `compressor.errors`. A run that fails raises nothing: `Study.report` says why, and the
            others go on. Gates that fail raise nothing either: ask `Study.passed`.
    """
    from compressor.recipe import load_recipe
    from compressor.study.members import load_members
    from compressor.study.plan import plan_study
    from compressor.study.run import run_study

    changes = tuple(overrides)
    loaded = load_recipe(recipe, changes)
    folder = Path(out) if out is not None else Path("runs") / loaded.name
    runs = plan_study(load_members(recipe, changes))
    report, _ = run_study(loaded, runs, out=folder, events=events, force=force, overwrite=overwrite)
    return Study(report, folder)


def compress(
    model: str | Path,
    *,
    data: str | Path | None = None,
    teacher: str | Path | None = None,
    target: str = "cpu-1",
    out: str | Path | None = None,
    overwrite: bool = False,
    events: RunEvents = Silence,
) -> Run:
    """A finished model to a measured int8 bundle, without a recipe file.

    Args:
        model: a model folder or a hub id.
        data: a labelled file; all of it is the test set. Columns are called like the task's roles, `text` and `label`.
        teacher: a finished model to compare with, in PyTorch, on the same data.
        target: where to measure: `cpu-1` is one thread of the CPU, `cuda` a GPU.
        out: the run directory; left out, `runs/<name of the model>`.

    Raises:
        CompressorError: see `compressor.errors`.
    """
    from compressor.recipe.finished import finished_recipe

    recipe = finished_recipe(str(model), data=data, teacher=teacher, target=target)
    return run(recipe, out=out, overwrite=overwrite, events=events)


def bench(
    path: str | Path,
    *,
    device: str = "cpu",
    threads: int = 1,
    seconds: float = 5.0,
    variants: Sequence[str] | None = None,
    events: RunEvents = Silence,
) -> list[Measurement]:
    """Latency, throughput, memory and size on this machine: of a bundle, an ONNX file or a PyTorch model folder.

    Raises:
        CompressorError: see `compressor.errors`.
    """
    from compressor.bench.command import Asked, bench_path, target_from

    target = target_from(device=device, threads=threads)
    return bench_path(Path(path), target, Asked(seconds=seconds), variants=variants, events=events)


def compare(
    baseline: str | Path,
    candidate: str | Path,
    *,
    data: str | Path | None = None,
    shapes: Sequence[str] = (),
    processes: int | None = None,
    events: RunEvents = Silence,
) -> Comparison:
    """Whether a candidate bundle or ONNX file is worse than the baseline; `verdict` of the result says so.

    Args:
        data: labelled texts, to compare quality too.
        shapes: `texts` or `1x128`; left out, both.
        processes: fresh processes for each case; left out, as the command has it.

    Raises:
        CompressorError: see `compressor.errors`.
    """
    import tempfile

    from compressor.compare.command import compare_paths
    from compressor.compare.settings import Settings

    settings = Settings(shapes=tuple(shapes), data=None if data is None else Path(data))
    if processes is not None:
        from dataclasses import replace

        settings = replace(settings, processes=processes)
    with tempfile.TemporaryDirectory(prefix="compressor-") as work:
        return compare_paths(Path(baseline), Path(candidate), settings=settings, work=Path(work), events=events)


def _row(found: Measurement) -> dict[str, Any]:
    latency = found.latency()
    return {
        "model": found.subject,
        "role": found.role,
        "engine": found.engine,
        "target": found.target,
        **(found.accuracy.metrics if found.accuracy else {}),
        "n": found.accuracy.n if found.accuracy else None,
        "agreement": found.accuracy.agreement if found.accuracy else None,
        "p50_ms": latency.model.p50_ms if latency else None,
        "p95_ms": latency.model.p95_ms if latency else None,
        "texts_per_second": found.throughput.samples_per_second if found.throughput else None,
        "peak_mb": found.memory.peak_mb if found.memory else None,
        "size_mb": found.size.model_mb,
    }
