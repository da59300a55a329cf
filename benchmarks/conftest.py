"""What the benchmarks run on.

--bundle DIR      a bundle to benchmark; without it, the tiny model alone
--against DIR     the bundle it is to be no worse than: latency by pairs, and the graph
--update-graphs   write benchmarks/graphs/ afresh, after a change of the graph that is meant
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from compressor.bench import Subject, environment, subjects_from

from .tiny_model import write_tiny_model

# Where this package is installed, pytest finds the plugin by itself.
pytest_plugins = ["compressor.pytest_plugin"]

NO_BUNDLE = "no bundle given: --bundle runs/quickstart/bundle"
NOTHING_TO_COMPARE = "no second bundle given: --against DIR"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--bundle", type=Path, help="bundle folder whose variants are benchmarked")
    parser.addoption("--against", type=Path, help="bundle folder it is compared with")
    parser.addoption("--update-graphs", action="store_true", help="write the expected graphs afresh")


def pytest_benchmark_update_machine_info(config: pytest.Config, machine_info: dict[str, Any]) -> None:
    """The stored JSON tells of the machine what every measurement tells."""
    machine_info["environment"] = environment()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A benchmark that asks for `subject` runs once for each variant of the bundle."""
    if "subject" not in metafunc.fixturenames:
        return
    bundle: Path | None = metafunc.config.getoption("bundle")
    found: list[Subject] = subjects_from(bundle) if bundle else []
    skipped = [pytest.param(None, marks=pytest.mark.skip(reason=NO_BUNDLE), id="no bundle")]
    metafunc.parametrize("subject", [pytest.param(subject, id=subject.name) for subject in found] or skipped)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny fixed model."""
    return write_tiny_model(tmp_path_factory.mktemp("tiny") / "model.onnx")
