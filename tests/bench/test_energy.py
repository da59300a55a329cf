from __future__ import annotations

import json
from pathlib import Path

import pytest

from compressor.bench.energy import energy_since, energy_source, read_energy
from compressor.bench.results import Energy, Measurement, Size
from compressor.report.figures import FIGURES
from compressor.report.models import Model


@pytest.fixture
def powercap(tmp_path: Path) -> Path:
    """Two packages, a part of one, and the counter of the whole platform."""
    counters = {
        "intel-rapl:0": "package-0",
        "intel-rapl:0:0": "core",
        "intel-rapl:1": "package-1",
        "intel-rapl:2": "psys",
    }
    for folder, name in counters.items():
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "name").write_text(f"{name}\n", encoding="ascii")
        (tmp_path / folder / "max_energy_range_uj").write_text("262143328850\n", encoding="ascii")
        count(tmp_path, folder, 1_000_000)
    return tmp_path


def count(powercap: Path, folder: str, microjoules: int) -> None:
    (powercap / folder / "energy_uj").write_text(f"{microjoules}\n", encoding="ascii")


def test_an_answer_takes_its_part_of_what_the_packages_counted(powercap: Path) -> None:
    before = read_energy(powercap)
    for folder in ("intel-rapl:0", "intel-rapl:0:0", "intel-rapl:1", "intel-rapl:2"):
        count(powercap, folder, 6_000_000)
    found = energy_since(before, 4, powercap)
    assert found is not None
    assert found.n == 4
    assert found.joules == pytest.approx(10 / 4)
    assert found.watts > 0


def test_a_counter_that_began_again_is_carried_on(powercap: Path) -> None:
    count(powercap, "intel-rapl:0", 262_143_000_000)
    before = read_energy(powercap)
    count(powercap, "intel-rapl:0", 1_671_150)
    found = energy_since(before, 1, powercap)
    assert found is not None and found.joules == pytest.approx(2.0)


def test_what_can_not_be_read_is_left_out_with_the_reason(powercap: Path, tmp_path: Path) -> None:
    assert energy_source(powercap) == "RAPL, 2 packages"
    before = read_energy(powercap)
    (powercap / "intel-rapl:1" / "energy_uj").unlink()
    assert energy_since(before, 4, powercap) is None
    assert energy_source(powercap) == "not measured: the energy counters can't be read (No such file or directory)"
    count(powercap, "intel-rapl:1", 1)
    (powercap / "intel-rapl:1" / "energy_uj").write_text("soon", encoding="ascii")
    assert read_energy(powercap) is None
    assert energy_source(tmp_path / "absent").startswith("not measured: this system shows no energy counters")
    assert read_energy(tmp_path / "absent") is None


def test_counters_that_stand_still_measure_nothing(powercap: Path) -> None:
    assert energy_since(read_energy(powercap), 4, powercap) is None
    assert energy_since(None, 4, powercap) is None


def test_the_environment_says_where_energy_is_from() -> None:
    from compressor.bench import environment

    assert environment()["energy"] == energy_source()


def test_a_measurement_keeps_it_and_the_report_has_the_figure() -> None:
    found = Measurement("int8", "onnxruntime", "cpu-1", Size(17.6), energy=Energy(500, 0.021, 14.0))
    assert Measurement.from_json(json.loads(json.dumps(found.to_json()))) == found
    assert FIGURES["energy_j"].read(Model("", "", True, found)) == 0.021
    without = Measurement("int8", "onnxruntime", "cpu-1", Size(17.6))
    assert FIGURES["energy_j"].read(Model("", "", True, without)) is None
