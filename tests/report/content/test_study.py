from __future__ import annotations

from dataclasses import replace

from compressor.bench.results import GateVerdict, Interval
from compressor.report.content.study import variant_sentence
from compressor.report.render import html_page, markdown
from compressor.report.study import BaseDifference, StageCost, StudyMember, StudyReport, StudyVariant, summarized

CLEAR = BaseDifference((1, 2, 3), (0.021, 0.023, 0.025), Interval(0.018, 0.028), Interval(0.009, 0.037))


def member(seed: int, shipped: float, *stages: StageCost, chosen: str = "int8", gate: bool = True) -> StudyMember:
    return StudyMember(
        seed=seed,
        folder=f"v/seed-{seed}",
        chosen=chosen,
        student=shipped + 0.002,
        shipped=shipped,
        examples=1280,
        retained=shipped / 0.888,
        speedup=32.1,
        p50_ms=1.64,
        size_mb=22.9,
        gates=(GateVerdict("speedup", ">= 20", 32.1, gate),),
        stages=stages,
    )


def study(difference: BaseDifference | None = CLEAR, *, seeds: int = 3) -> StudyReport:
    base = tuple(
        member(s, 0.850 + s / 1000, StageCost("teach", "t", 600.0), StageCost("distill", f"b{s}", 60.0))
        for s in range(1, seeds + 1)
    )
    other = tuple(
        member(s, 0.870 + s / 1000, StageCost("teach", "t", 600.0), StageCost("distill", f"o{s}", 90.0))
        for s in range(1, seeds + 1)
    )
    variants = (StudyVariant("base", base), StudyVariant("patient", other, {"distill.epochs": 12}, difference))
    return StudyReport("reviews", "text-classification", "accuracy", "2026-11-25T08:30:00+00:00", variants)


def test_a_row_holds_mean_and_spread_over_seeds_and_the_difference_over_test_texts() -> None:
    document = markdown(study())
    assert "| base | 85.4% (0.1) | 85.2% (0.1) |  |  | 95.9% | 32.1x | 1.64 | 22.9 | 3 min 00 s | 13 min" in document
    assert "| patient | 87.4% (0.1) | 87.2% (0.1) | +2.3 (+0.9 to +3.7) | better |" in document
    assert "patient: distill.epochs=12" in document
    assert "patient is better than the base: +2.3 points of accuracy over 3 seeds (the seeds allow" in document


def test_a_row_tells_how_far_answers_are_from_the_teachers_where_that_is_known() -> None:
    assert "divergence" not in markdown(study())
    found = study()
    base = tuple(replace(one, divergence=0.138 + one.seed / 1000) for one in found.base.members)
    document = markdown(replace(found, variants=(replace(found.base, members=base), *found.variants[1:])))
    assert "| 95.9% | 0.140 (0.00100) |" in document
    assert "| n/a |" in document


def test_stages_that_variants_share_count_once_and_for_none_alone() -> None:
    found = study()
    assert [found.seconds(variant) for variant in found.variants] == [(180.0, 780.0), (270.0, 870.0)]


def test_what_the_seeds_spread_leaves_open_is_said() -> None:
    spread = replace(CLEAR, over_seeds=Interval(-0.004, 0.05))
    sentence = variant_sentence(study(spread).variants[1], study().metric)
    assert sentence.startswith("patient can't be told from the base by the spread of the seeds: +2.3 points")
    texts = replace(CLEAR, over_examples=Interval(-0.001, 0.047))
    sentence = variant_sentence(study(texts).variants[1], study().metric)
    assert sentence.startswith("patient can't be told from the base by so few test texts: +2.3 points")


def test_one_seed_has_no_spread_and_allows_no_claim() -> None:
    document = markdown(study(BaseDifference((1,), (0.02,), None, Interval(0.01, 0.03)), seeds=1))
    assert "| base | 85.3% | 85.1% |" in document
    assert "| +2.0 (+1.0 to +3.0) | too few seeds |" in document
    assert "patient differs from the base by +2.0 points of accuracy, with one seed." in document
    assert "A claim that one variant is better needs at least 3 seeds: with one," in document
    assert "better than the base" not in document
    assert summarized([0.85]) == summarized([None, 0.85]) and summarized([None]) is None


def test_a_run_without_a_result_is_first_and_leaves_the_rest_standing() -> None:
    found = study(None)
    broken = replace(found.variants[1], members=(StudyMember(1, "patient/seed-1", "the loss became nan"),))
    document = markdown(replace(found, variants=(found.base, broken)))
    assert document.splitlines()[2] == "- patient, seed 1, has no result: the loss became nan"
    assert "patient can't be compared with the base: no seed was measured with both." in document
    assert "| patient | n/a | n/a |" in document


def test_gates_are_told_for_each_variant_and_the_bases_decide() -> None:
    found = study()
    assert found.passed and "| base | 3 of 3 |" in markdown(found)
    failing = replace(found.base, members=(member(1, 0.85, gate=False), *found.base.members[1:]))
    failed = replace(found, variants=(failing, found.variants[1]))
    assert not failed.passed
    document = markdown(failed)
    assert document.startswith("# reviews: variants: failed")
    assert "| base | **2 of 3** |" in document and "The base's gates don't hold for every seed." in document


def test_runs_that_ship_unlike_variants_are_pointed_out() -> None:
    found = study()
    unlike = replace(found.base, members=(member(1, 0.85, chosen="fp32"), *found.base.members[1:]))
    sentence = "Not every run ships the same variant of its model (fp32 and int8)"
    assert sentence in markdown(replace(found, variants=(unlike, found.variants[1])))
    assert sentence not in markdown(found)


def test_the_page_is_drawn_from_the_document_that_was_read_back() -> None:
    found = study()
    assert StudyReport.from_json(found.to_json()) == found
    assert "patient is better than the base" in html_page(found)
