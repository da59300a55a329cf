from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from compressor.compare import revisions
from compressor.compare.arm import RevisionSpec
from compressor.compare.latency import LatencyCase
from compressor.compare.results import Comparison
from compressor.compare.revisions import compare_revisions
from compressor.compare.settings import Settings
from compressor.errors import BundleError, DataError, RecipeError, SourceError
from compressor.events import Silent
from compressor.recipe.benchmark import Target
from tests.runtime import bundles


@pytest.fixture
def cases(monkeypatch: pytest.MonkeyPatch) -> list[LatencyCase]:
    """What would be measured; nothing is."""
    found: list[LatencyCase] = []

    def decide(given: list[LatencyCase], **_: Any) -> list[Any]:
        found.extend(given)
        return []

    monkeypatch.setattr(revisions, "decide", decide)
    return found


def compare(repository: Path, work: Path, *, a: str = "one", b: str = ".", **options: Any) -> Comparison:
    given: dict[str, Any] = {"bundle": None, "call": None, "settings": Settings()} | options
    return compare_revisions(a, b, repository=repository, work=work, events=Silent(), **given)


def test_each_revision_runs_its_own_code_all_on_one_cpu(
    repository: Path, tmp_path: Path, cases: list[LatencyCase]
) -> None:
    found = compare(repository, tmp_path / "work", call="work:make")
    (case,) = cases

    assert (case.metric, case.name, case.pinned) == ("latency", "work:make", True)
    assert isinstance(case.a, RevisionSpec) and isinstance(case.b, RevisionSpec)
    assert case.a.call == case.b.call == "work:make"
    assert case.a.root != case.b.root == str(repository)
    assert (case.a.revision, case.b.revision) == (found.a, found.b)
    assert found.a.startswith("one (")


def test_with_more_threads_nothing_is_pinned(repository: Path, tmp_path: Path, cases: list[LatencyCase]) -> None:
    compare(repository, tmp_path, call="work:make", settings=Settings(target=Target(threads=2)))

    assert not cases[0].pinned
    assert cases[0].threads == 2


def test_a_bundle_answers_the_texts_it_is_given(tmp_path: Path, repository: Path, cases: list[LatencyCase]) -> None:
    bundle, pairs = bundles.write(tmp_path / "single"), bundles.write(tmp_path / "pairs", pairs=True)
    (tmp_path / "pairs.jsonl").write_text('{"text": "a", "text_pair": "b", "label": "good"}', encoding="utf-8")
    with_pairs = Settings(data=tmp_path / "pairs.jsonl")
    compare(repository, tmp_path, bundle=bundle)
    compare(repository, tmp_path, bundle=pairs, settings=with_pairs)
    compare(repository, tmp_path, bundle=pairs)

    single, paired, samples = (case.a.predict for case in cases if isinstance(case.a, RevisionSpec))
    assert all(len(text) == 1 for text in single["inputs"])
    assert paired["inputs"] == [["a", "b"]]
    assert all(len(texts) == 2 for texts in samples["inputs"]), "pairs come with the program too"
    assert single["bundle"] == str(bundle.resolve())
    with pytest.raises(DataError, match="has the column `text_pair`, which this model doesn't read"):
        compare(repository, tmp_path, bundle=bundle, settings=with_pairs)


def test_what_does_not_go_together_is_refused(repository: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="--bundle or --call"):
        compare(repository, tmp_path)
    with pytest.raises(RecipeError, match="--bundle or --call"):
        compare(repository, tmp_path, call="work:make", bundle=tmp_path)
    for call in ("work", "work:", ":make"):
        with pytest.raises(RecipeError, match=f"'{call}' names no function"):
            compare(repository, tmp_path, call=call)
    for settings in (Settings(shapes=("1x8",)), Settings(variants=("int8",))):
        with pytest.raises(RecipeError, match="leave them out with --worktree"):
            compare(repository, tmp_path, call="work:make", settings=settings)
    with pytest.raises(BundleError, match="is not a bundle"):
        compare(repository, tmp_path, bundle=tmp_path)
    with pytest.raises(SourceError, match="'nowhere'"):
        compare(repository, tmp_path, call="work:make", b="nowhere")
