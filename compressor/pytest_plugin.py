"""pytest plugin: whether a model became slower, larger or less accurate, as a test in any repository.

    def test_latency(benchmark, compressor_compare):
        compressor_compare("build/bundle", "released/bundle")

Installing the package makes the fixture `compressor_compare` and the marker of the same name known to pytest. Nothing
is imported before a test asks for the fixture.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

if TYPE_CHECKING:
    from compressor.compare.results import Comparison
    from compressor.compare.settings import Settings
    from compressor.compare.testing import Model

__all__ = ["MARKER", "CompareModels"]

MARKER = "compressor_compare"


class CompareModels(Protocol):
    """What the fixture `compressor_compare` is."""

    def __call__(self, candidate: Model, baseline: Model, **options: Any) -> Comparison:
        """Fail the test where the candidate is worse than the baseline beyond what is allowed.

        Args:
            candidate: what may replace the baseline: a bundle, an ONNX file with its tokenizer, or a `ModelSpec` or
                `CallSpec` of `compressor.compare.arm`, as the baseline.
            options: `tolerance`, `memory_tolerance`, `size_tolerance`, `accuracy_tolerance` as shares (0.05: 5%),
                `variants`, `shapes`, `processes`, `data`, `seed`, `device`, `threads`. They override the marker's.

        Returns:
            The comparison; its verdict is `pass`, `warn` or `inconclusive`.
        """


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known, so that --strict-markers accepts it."""
    config.addinivalue_line(
        "markers",
        f"{MARKER}(**options): compares models with the fixture `{MARKER}`; the options are those of its call",
    )


@pytest.fixture
def compressor_compare(request: pytest.FixtureRequest, tmp_path: Path) -> CompareModels:
    """Compare a candidate with a baseline; where the test asks for `benchmark` too, keep their times with it."""

    def compare(candidate: Model, baseline: Model, **options: Any) -> Comparison:
        from compressor.compare.testing import compare_models, failures, record
        from compressor.errors import CompressorError

        marker = request.node.get_closest_marker(MARKER)
        settings = _settings({**(marker.kwargs if marker else {}), **options})
        try:
            found = compare_models(candidate, baseline, settings=settings, work=tmp_path)
            if "benchmark" in request.fixturenames:
                benchmark = request.getfixturevalue("benchmark")
                record(benchmark, found, candidate, baseline, settings=settings, work=tmp_path)
        except CompressorError as error:
            pytest.fail(f"The models can't be compared: {error}", pytrace=False)
        request.node.user_properties.append((MARKER, found.verdict))
        if failed := failures(found):
            pytest.fail("\n".join(["The candidate is worse than the baseline:", *failed]), pytrace=False)
        return found

    return compare


def _settings(options: dict[str, Any]) -> Settings:
    """The options of a call as settings of a comparison.

    Raises:
        TypeError: an option is not known.
    """
    from compressor.compare.settings import Settings, Tolerances
    from compressor.recipe.benchmark import Target

    given = dict(options)
    tolerances = {"latency": "tolerance", **{name: f"{name}_tolerance" for name in ("memory", "size", "accuracy")}}
    allowed = {name: given.pop(option) for name, option in tolerances.items() if option in given}
    target = {name: given.pop(name) for name in ("device", "threads") if name in given}
    for name in ("variants", "shapes"):
        value = given.get(name, ())
        given[name] = (value,) if isinstance(value, str) else tuple(value)
    if given.get("data") is not None:
        given["data"] = Path(given["data"])
    if unknown := given.keys() - {"variants", "shapes", "processes", "data", "seed"}:
        raise TypeError(f"{MARKER} has no option {', '.join(sorted(unknown))}")
    return Settings(target=Target.model_validate(target), tolerances=Tolerances(**allowed), **given)
