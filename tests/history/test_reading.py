from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from compressor.errors import DataError
from compressor.history import bench_name, entries_of
from compressor.history.machine import fingerprint, machine_name
from compressor.history.results import Measured
from compressor.report.study import StudyMember, StudyReport, StudyVariant
from tests.history import made_up
from tests.report import sample
from tests.runtime import bundles


def figures(found: Measured) -> dict[tuple[str, str], float]:
    return {(value.workload, value.figure): value.value for value in found.values}


def test_a_run_gives_every_figure_of_its_reports_with_its_workload(tmp_path: Path) -> None:
    (entry,) = entries_of(made_up.write(tmp_path, sample.full()))
    assert (entry.name, entry.kind, entry.time) == ("reviews", "run", "2026-11-24T08:30:00+00:00")
    int8 = next(one for one in entry.measurements if (one.variant, one.target) == ("int8", "cpu-1"))
    found = figures(int8)
    assert found[("dataset", "p50_ms")] == 0.912
    assert found[("grid-8x128", "p50_ms")] > found[("grid-1x32", "p50_ms")]
    assert found[("dataset", "end_to_end_ms")] == pytest.approx(1.122)
    assert found[("dataset", "speedup")] == pytest.approx(9.31 / 0.912)
    assert found[("", "size_mb")] == 17.6
    assert found[("test split", "accuracy")] == 0.8234
    assert found[("throughput", "throughput")] == pytest.approx(1100 / 0.912)
    assert ("cold-start", "cold_start_ms") in found and ("server-100", "p50_ms") in found
    better = {value.figure: value.better for value in int8.values}
    assert (better["p50_ms"], better["throughput"], better["accuracy"]) == ("lower", "higher", "higher")


def test_the_reference_model_has_no_speed_up_over_itself(tmp_path: Path) -> None:
    (entry,) = entries_of(made_up.write(tmp_path, sample.full()))
    teacher = next(one for one in entry.measurements if one.variant == "teacher")
    assert not {value.figure for value in teacher.values} & {"speedup", "mean_speedup"}


def test_what_was_skipped_or_failed_is_left_out(tmp_path: Path) -> None:
    (entry,) = entries_of(made_up.write(tmp_path, sample.full()))
    assert {one.target for one in entry.measurements} == {"cpu-1", "cpu-2"}
    assert ("teacher", "cpu-2") not in {(one.variant, one.target) for one in entry.measurements}


def test_figures_that_are_no_numbers_are_left_out(tmp_path: Path) -> None:
    found = made_up.report(0)
    (measured,) = found.measurements
    assert measured.memory is not None
    broken = replace(measured, memory=replace(measured.memory, peak_mb=float("nan")))
    (entry,) = entries_of(made_up.write(tmp_path, replace(found, measurements=(broken,))))
    assert ("", "peak_memory_mb") not in figures(entry.measurements[0])


def test_a_measurement_knows_its_time_and_commit_where_the_report_is_later(tmp_path: Path) -> None:
    file = made_up.write(tmp_path, replace(made_up.report(3), created=made_up.day(9)))
    (entry,) = entries_of(file)
    assert entry.time == made_up.day(9)
    assert entry.measurements[0].time == made_up.day(3)
    assert entry.measurements[0].commit == made_up.commit(3)
    (named,) = entries_of(file, name="other", commit="abc")
    assert (named.name, named.measurements[0].commit) == ("other", "abc")


def test_times_of_any_zone_are_kept_in_utc(tmp_path: Path) -> None:
    found = replace(made_up.report(0), created="2026-05-01T03:00:00+05:00")
    (entry,) = entries_of(made_up.write(tmp_path, found))
    assert entry.time == "2026-04-30T22:00:00+00:00"


def test_a_bench_needs_a_name_and_has_the_time_of_its_file_where_it_tells_none(tmp_path: Path) -> None:
    timeless = made_up.measurement("int8", 0, 2.0)
    timeless = replace(timeless, environment={"cpu": "Example CPU"})
    file = made_up.write(tmp_path, [timeless], "measurements.json")
    os.utime(file, (1_800_000_000, 1_800_000_000))
    with pytest.raises(DataError, match="doesn't say of which model") as caught:
        entries_of(file)
    assert "--name" in str(caught.value)
    (entry,) = entries_of(file, name="mine")
    assert (entry.name, entry.kind) == ("mine", "bench")
    assert entry.measurements[0].time == datetime.fromtimestamp(1_800_000_000, UTC).isoformat()


def test_a_bench_is_called_as_its_bundle_is_or_as_its_file(tmp_path: Path) -> None:
    assert bench_name(bundles.write(tmp_path)) == "tiny"
    assert bench_name(tmp_path / "mine.onnx") == "mine"


def test_a_study_gives_each_run_that_finished_under_a_name_of_its_own(tmp_path: Path) -> None:
    members = (StudyMember(1, "base/seed-1"), StudyMember(2, "base/seed-2", error="diverged"))
    study = StudyReport("reviews", "text-classification", "accuracy", "", (StudyVariant("base", members),))
    made_up.write(tmp_path / "base" / "seed-1", made_up.report(0))
    (tmp_path / "study.json").write_text(json.dumps(study.to_json()), encoding="utf-8")
    for path in (tmp_path, tmp_path / "base" / "seed-1"):
        assert [entry.name for entry in entries_of(path)] == ["reviews/base/seed-1"]


@pytest.mark.parametrize("missing", [{}, {"cores": 2}])
def test_figures_of_an_unknown_machine_are_refused(tmp_path: Path, missing: dict[str, int]) -> None:
    found = made_up.report(0)
    bare = tuple(replace(one, environment=missing) for one in found.measurements)
    with pytest.raises(DataError, match="machine is known"):
        entries_of(made_up.write(tmp_path, replace(found, measurements=bare)))


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"cpu": "Another CPU"}, False),
        ({"cpu_flags": ["avx2", "avx512_vnni"]}, False),
        ({"cores": 8}, False),
        ({"allowed_cpus": [0]}, False),
        ({"gpu": "H200"}, False),
        ({"system": "Linux-6.12-x86_64"}, True),
        ({"versions": {"onnxruntime": "1.33.0"}}, True),
        ({"load_average": [3.0, 2.0, 1.0]}, True),
        ({"git_revision": "f" * 40}, True),
    ],
)
def test_a_machine_is_what_decides_its_speed_and_stays(change: dict[str, object], same: bool) -> None:
    assert (fingerprint(made_up.MACHINE) == fingerprint({**made_up.MACHINE, **change})) is same


def test_a_machine_has_a_name_in_words() -> None:
    assert machine_name({"cpu": "Example CPU", "cores": 1, "gpu": "H200"}) == "Example CPU, 1 core, H200"
