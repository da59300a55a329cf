"""Comparing within a test: what the pytest plugin stands on."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from compressor.bench.environment import cpu_ticks
from compressor.bench.subject import subjects_from
from compressor.compare.arm import Arm, ArmSpec, ModelSpec, open_arm
from compressor.compare.command import compare_paths
from compressor.compare.inputs import write_inputs
from compressor.compare.latency import LatencyCase
from compressor.compare.results import Comparison, Row
from compressor.compare.settings import Settings, assert_possible, concluded
from compressor.compare.trial import decide
from compressor.events import Silent
from compressor.runtime.manifest import MANIFEST, Manifest

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

__all__ = ["compare_models", "failures", "record"]

ROUNDS = 40
CALLS = 20
"""A block, of which the first call is left out."""

Model = str | Path | ArmSpec
"""A bundle, an ONNX file with its tokenizer, or anything that can be timed."""


def compare_models(candidate: Model, baseline: Model, *, settings: Settings, work: Path) -> Comparison:
    """Tell whether the candidate (B) is worse than the baseline (A).

    Two paths are compared as `compressor compare` does it, two specifications by their latency alone.

    Args:
        work: where raw times and answers are left.

    Raises:
        CompressorError: see `compare_paths`.
        TypeError: one is a path and the other is not.
    """
    if isinstance(candidate, str | Path) and isinstance(baseline, str | Path):
        return compare_paths(Path(baseline), Path(candidate), settings=settings, work=work, events=Silent())
    if isinstance(candidate, str | Path) or isinstance(baseline, str | Path):
        raise TypeError("compare two paths, or two specifications such as ModelSpec or CallSpec")
    assert_possible(settings)
    before = cpu_ticks()
    case = LatencyCase(
        name="calls",
        a=baseline,
        b=candidate,
        work=work / "latency",
        tolerance=settings.tolerances.latency,
        processes=settings.processes,
        threads=settings.target.threads,
    )
    rows = decide([case], seed=settings.seed, events=Silent())
    return concluded("baseline", "candidate", settings, rows, before)


def failures(found: Comparison) -> list[str]:
    """What failed, a sentence each."""
    return [_sentence(row) for row in found.rows if row.verdict == "fail"]


def record(
    benchmark: BenchmarkFixture,
    found: Comparison,
    candidate: Model,
    baseline: Model,
    *,
    settings: Settings,
    work: Path,
) -> None:
    """Leave the verdict in `extra_info` of pytest-benchmark, beside times of the candidate.

    The gate is decided by fresh processes. The benchmark's own times are of one process, this one: the candidate's
    blocks are what is timed, and the baseline's run before and after each, so that `paired_ratio` is of neighbours.
    """
    benchmark.extra_info |= {
        "verdict": found.verdict,
        "rows": [
            {
                "metric": row.metric,
                "case": row.case,
                "verdict": row.verdict,
                "loss": row.loss and row.loss.value,
                "loss_low": row.loss and row.loss.low,
                "loss_high": row.loss and row.loss.high,
                "note": row.note,
            }
            for row in found.rows
        ],
        "calls_per_round": CALLS,
    }
    arms = (_arm(model, side, settings, work) for model, side in ((baseline, "a"), (candidate, "b")))
    with closing(next(arms)) as a, closing(next(arms)) as b:
        benchmark.extra_info["paired_ratio"] = _paired(benchmark, a, b)


def _sentence(row: Row) -> str:
    said = f"{row.metric}, {row.case}: {row.a} before, {row.b} now ({row.unit})"
    if row.loss is None:
        return said
    bounds = f"{row.loss.low:+.1%} to {row.loss.high:+.1%}"
    return f"{said}; worse by {row.loss.value:+.1%} ({bounds}), {row.tolerance:.1%} allowed"


def _arm(model: Model, side: str, settings: Settings, work: Path) -> Arm:
    if not isinstance(model, str | Path):
        return open_arm(model)
    path = Path(model)
    default = [Manifest.read(path).default] if (path / MANIFEST).is_file() else None
    subject = subjects_from(path, settings.variants or default)[0]
    shape = settings.shapes[0] if settings.shapes else "texts"
    inputs = write_inputs(shape, subject, (), work / f"{side}.npz")
    file = str((subject.folder / subject.file).resolve())
    return open_arm(ModelSpec(file, str(inputs), settings.target.device, settings.target.threads))


def _paired(benchmark: BenchmarkFixture, a: Arm, b: Arm) -> float:
    """Median of B over A in neighbouring blocks; B's are the benchmark's own times."""
    times: dict[str, list[float]] = {"before": [], "now": [], "after": []}

    def timed(when: str, arm: Arm) -> Any:
        return lambda: times[when].append(float(np.median(arm.block(CALLS, 1)[1:])))

    pedantic: Any = benchmark.pedantic  # untyped in pytest-benchmark
    pedantic(timed("now", b), setup=timed("before", a), teardown=timed("after", a), rounds=ROUNDS, warmup_rounds=3)
    ratios = np.asarray(times["now"]) / np.sqrt(np.asarray(times["before"]) * np.asarray(times["after"]))
    return float(np.median(ratios))
