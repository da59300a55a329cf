"""`--bundle DIR`: the bundle to benchmark. Without it those benchmarks are skipped."""

from __future__ import annotations

from pathlib import Path

import pytest

from compressor.bench import Subject, subjects_from

NO_BUNDLE = "no bundle given: --bundle runs/quickstart/bundle"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--bundle", type=Path, help="bundle folder whose variants are benchmarked")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A benchmark that asks for `subject` runs once for each variant of the bundle."""
    if "subject" not in metafunc.fixturenames:
        return
    bundle: Path | None = metafunc.config.getoption("bundle")
    found: list[Subject] = subjects_from(bundle) if bundle else []
    skipped = [pytest.param(None, marks=pytest.mark.skip(reason=NO_BUNDLE), id="no bundle")]
    metafunc.parametrize("subject", [pytest.param(subject, id=subject.name) for subject in found] or skipped)
