from __future__ import annotations

import pytest

from compressor.history import CheckResult, drifts_of
from compressor.history.drift import ALPHA, drift_of
from tests.history import made_up

TOLERANCE = 0.01


@pytest.mark.parametrize("seed", range(5))
def test_five_losses_of_one_percent_creep_in_and_are_seen(seed: int) -> None:
    values = made_up.times(made_up.FIVE_STEPS, seed=seed)
    drift = drift_of(made_up.series(values))
    assert drift.loss > 0.02
    assert drift.interval is not None and drift.interval.low > TOLERANCE
    assert drift.first_step is not None and 3 <= drift.first_step.index <= 34


def test_of_100_series_without_a_change_no_more_are_flagged_than_is_stated() -> None:
    alone = [drift_of(made_up.series(made_up.times(seed=200 + seed))) for seed in range(100)]
    assert sum(bool(drift.changes) for drift in alone) <= 100 * ALPHA
    together = drifts_of([drift.series for drift in alone])
    assert CheckResult(TOLERANCE, together).regressions == ()


def test_a_loss_in_steps_counts_from_before_the_first() -> None:
    values = made_up.times((20, 40), by=1.04, n=60, seed=1)
    drift = drift_of(made_up.series(values))
    assert [change.index for change in drift.changes] == [20, 40]
    assert drift.steps == 2
    assert drift.loss == pytest.approx(1.04**2 - 1, abs=0.01)
    assert drift.interval is not None
    assert drift.interval.low < 1.04**2 - 1 < drift.interval.high
    assert drift.first_step is not None
    assert (drift.first_step.time, drift.first_step.commit) == (made_up.day(20), made_up.commit(20))


def test_what_was_mended_is_no_loss_and_what_got_better_neither() -> None:
    mended = made_up.times((20,), by=1.05, n=60)[:40] + made_up.times(n=60, seed=1)[40:]
    for values in (mended, made_up.times((20,), by=0.95)):
        drift = drift_of(made_up.series(values))
        assert drift.changes and drift.changes[-1].loss < 0
        assert (drift.loss, drift.steps, drift.first_step, drift.interval) == (0.0, 0, None, None)


def test_of_a_figure_that_should_be_high_less_is_a_loss() -> None:
    falling = made_up.series(made_up.times((20,), by=0.95), better="higher")
    assert drift_of(falling).loss == pytest.approx(0.05, abs=0.01)
    assert drift_of(made_up.series(made_up.times((20,), by=1.05), better="higher")).loss == 0


def test_a_loss_within_the_tolerance_is_allowed() -> None:
    drifts = drifts_of([made_up.series(made_up.times((20,), by=1.05))])
    assert CheckResult(0.02, drifts).regressions == drifts
    assert CheckResult(0.08, drifts).regressions == ()


def test_a_level_of_zero_has_no_share() -> None:
    drift = drift_of(made_up.series([0.0] * 20 + [0.25] * 10))
    assert drift.loss == 0.25


def test_series_that_are_looked_at_together_have_to_be_clearer() -> None:
    weak = made_up.series(made_up.times((26,), by=1.012, seed=0))
    (alone,) = drifts_of([weak])
    assert alone.changes
    many = [made_up.series(made_up.times(seed=seed)) for seed in range(1, 61)]
    among = drifts_of([weak, *many])[0]
    assert not among.changes


def test_series_that_cannot_change_cost_the_others_nothing() -> None:
    weak = made_up.series(made_up.times((26,), by=1.012, seed=0))
    idle = [made_up.series([17.6] * 40)] * 30 + [made_up.series([1.0, 2.0, 3.0])] * 30
    found = CheckResult(0, drifts_of([weak, *idle]))
    assert found.drifts[0].changes
    assert found.short == 30


def test_what_else_changed_is_named() -> None:
    found = made_up.series(made_up.times((20,), by=1.05), versions={20: "1.32.0", 30: "1.33.0"})
    drift = drift_of(found)
    assert drift.first_step is not None and drift.first_step.index == 20
    assert drift.versions_changed == ("onnxruntime 1.30.0 -> 1.32.0",)


def test_the_same_series_gives_the_same_answer() -> None:
    values = made_up.times(made_up.FIVE_STEPS)
    assert drift_of(made_up.series(values)).to_json() == drift_of(made_up.series(values)).to_json()
