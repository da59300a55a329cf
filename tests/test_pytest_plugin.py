"""The pytest plugin, in repositories of somebody else: what their tests say, pass and fail on."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from compressor.compare import testing
from compressor.compare.results import Comparison, Loss, Row, Verdict
from compressor.compare.settings import Settings
from compressor.errors import BundleError

ROOT = Path(__file__).resolve().parents[1]
PLUGIN = "compressor.pytest_plugin"
TEST = """
    def test_latency(compressor_compare):
        assert compressor_compare("build/bundle", "released/bundle").verdict == "pass"
"""


def found(verdict: Verdict) -> Comparison:
    row = Row("latency", "int8, texts", "ms", 1.0, 1.2, Loss(0.2, 0.18, 0.22, n=8), 0.05, verdict)
    return Comparison("A", "B", "cpu-1", (row,), created="")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path, Path, Settings]]:
    """Baseline, candidate and settings of every comparison; all of them pass, and none is measured."""
    calls: list[tuple[Path, Path, Settings]] = []

    def compare(a: Path, b: Path, *, settings: Settings, **_: Any) -> Comparison:
        calls.append((a, b, settings))
        return found("pass")

    monkeypatch.setattr(testing, "compare_paths", compare)
    return calls


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return pytester.runpytest_inprocess("-p", PLUGIN, "-p", "no:cacheprovider", *arguments)


def test_a_model_that_is_no_worse_passes(pytester: pytest.Pytester, asked: list[tuple[Path, Path, Settings]]) -> None:
    pytester.makepyfile(TEST)
    run(pytester, "--strict-markers").assert_outcomes(passed=1)
    assert asked == [(Path("released/bundle"), Path("build/bundle"), Settings())]


def test_a_model_that_is_slower_fails_with_its_figures(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(testing, "compare_paths", lambda *_, **__: found("fail"))
    pytester.makepyfile(TEST)
    result = run(pytester)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*latency, int8, texts: 1.0 before, 1.2 now (ms); worse by +20.0% (+18.0% to +22.0%)*"]
    )
    result.stdout.no_fnmatch_line("*Traceback*")


def test_options_come_from_the_marker_and_a_call_overrides_them(
    pytester: pytest.Pytester, asked: list[tuple[Path, Path, Settings]]
) -> None:
    pytester.makepyfile("""
        import pytest

        @pytest.mark.compressor_compare(tolerance=0.1, shapes="1x64", processes=4, threads=2)
        def test_latency(compressor_compare):
            compressor_compare("b", "a", processes=6)
    """)
    run(pytester, "--strict-markers").assert_outcomes(passed=1)
    ((_, _, settings),) = asked
    assert (settings.tolerances.latency, settings.tolerances.memory) == (0.1, 0.05)
    assert (settings.shapes, settings.processes, settings.target.threads) == (("1x64",), 6, 2)


def test_a_misspelt_option_is_an_error(pytester: pytest.Pytester, asked: list[tuple[Path, Path, Settings]]) -> None:
    pytester.makepyfile(TEST.replace('bundle")', 'bundle", tolerence=0.1)'))
    result = run(pytester)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*TypeError: compressor_compare has no option tolerence*"])
    assert asked == []


def test_what_cannot_be_compared_is_told_in_words(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    def compare(*_: Any, **__: Any) -> Comparison:
        raise BundleError("released/bundle is not a bundle.", hint="Give a folder.")

    monkeypatch.setattr(testing, "compare_paths", compare)
    pytester.makepyfile(TEST)
    result = run(pytester)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*The models can't be compared: released/bundle is not a bundle.*"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_beside_pytest_benchmark_its_times_and_the_verdict_are_kept(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Measured for real, with as few processes as there can be; what their verdict is depends on the machine."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)  # pytest-benchmark measures nothing beside other tests
    pytester.makepyfile(work="def make():\n    return lambda: sum(range(1000))\n")
    pytester.makepyfile("""
        import json
        from pathlib import Path
        from compressor.compare.arm import CallSpec

        def test_latency(benchmark, compressor_compare):
            call = CallSpec("work:make", str(Path(__file__).parent))
            compressor_compare(call, call, processes=4, tolerance=10.0)
            Path("extra.json").write_text(json.dumps(benchmark.extra_info))
            assert benchmark.stats is not None
    """)
    # In a process of its own: scipy can't be loaded, forgotten and loaded again.
    pytester.runpytest_subprocess("-p", PLUGIN, "-p", "no:cacheprovider").assert_outcomes(passed=1)
    extra = (pytester.path / "extra.json").read_text(encoding="utf-8")
    for word in ('"verdict"', '"paired_ratio"', '"latency"'):
        assert word in extra


def test_the_plugin_is_found_by_its_name_and_imports_nothing_heavy() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["entry-points"]["pytest11"] == {PLUGIN: PLUGIN}
    code = f"import sys, {PLUGIN}; print(*(name for name in sys.modules if name.startswith('compressor.')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.split() == [PLUGIN], done.stderr
