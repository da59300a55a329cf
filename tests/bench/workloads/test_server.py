from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest

from compressor.bench.workloads.server import Served, arrivals, serve
from compressor.recipe.benchmark import ServerWorkload
from compressor.runtime import Encoder
from tests.bench.workloads.fakes import Recorder, bench, measured

Seconds = npt.NDArray[np.float64]


class Simulated:
    """Time that passes while a request is served, and while the server sleeps."""

    def __init__(self, services: Sequence[float]) -> None:
        self.now = 100.0
        self.slept = 0.0
        self._services = iter(services)

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds
        self.slept += seconds

    def call(self) -> None:
        self.now += next(self._services)


def served(due: Seconds, services: Sequence[float]) -> Served:
    time = Simulated(services)
    return serve(time.call, due, clock=time.clock, sleep=time.sleep)


def lindley(due: Seconds, services: Sequence[float]) -> Seconds:
    """Waiting times of a queue with one server: W[i + 1] = max(0, W[i] + S[i] - (A[i + 1] - A[i])).

    Lindley, The theory of queues with a single server, 1952.
    """
    waiting = [0.0]
    for i in range(len(due) - 1):
        waiting.append(max(0.0, waiting[-1] + services[i] - (due[i + 1] - due[i])))
    return np.array(waiting)


@pytest.mark.parametrize("rate", [20.0, 90.0, 300.0])
def test_requests_wait_for_those_before_them_as_the_theory_of_queues_says(rate: float) -> None:
    services = np.random.default_rng(0).lognormal(mean=np.log(0.01), sigma=0.6, size=500).tolist()
    due = arrivals(rate, 500, seed=1)
    found = served(due, services)

    np.testing.assert_allclose(found.begins - found.arrivals, lindley(due, services), atol=1e-9)
    np.testing.assert_allclose(found.ends - found.begins, services, atol=1e-9)


def test_a_hiccup_is_felt_by_every_request_that_was_due_meanwhile() -> None:
    """A closed loop would see one slow answer (coordinated omission)."""
    due = np.linspace(0.1, 10.0, 100)
    services = [0.001] * 100
    services[10] = 5.0
    summary = served(due, services).summary(10.0)
    slow = 1000 * (served(due, services).ends - due) > 50

    assert slow.sum() >= 49
    assert summary.latency.p90_ms is not None
    assert summary.latency.p90_ms > 3000


def test_arrivals_are_poisson_and_the_rate_only_stretches_them() -> None:
    due = arrivals(50.0, 20_000, seed=3)
    gaps = np.diff(due)

    assert gaps.mean() == pytest.approx(1 / 50, rel=0.03)
    assert gaps.std() == pytest.approx(1 / 50, rel=0.03), "exponential: as wide as its mean"
    np.testing.assert_allclose(arrivals(25.0, 20_000, seed=3), 2 * due)
    assert not np.allclose(arrivals(50.0, 20_000, seed=4), due)


def test_the_mean_wait_is_that_of_the_m_d_1_queue() -> None:
    """Poisson arrivals, every service equally long: rho / (2 (1 - rho)) services (Pollaczek and Khinchine)."""
    service, load = 0.01, 0.6
    due = arrivals(load / service, 100_000, seed=5)
    found = served(due, [service] * len(due))
    summary = found.summary(load / service)

    assert np.mean(found.begins - due) == pytest.approx(service * load / (2 * (1 - load)), rel=0.05)
    assert summary.utilisation == pytest.approx(load, rel=0.02)
    assert summary.served_per_second == pytest.approx(load / service, rel=0.02)


def test_a_server_that_can_not_keep_up_is_busy_all_the_time_and_serves_what_it_can() -> None:
    due = arrivals(300.0, 600, seed=1)
    summary = served(due, [0.01] * 600).summary(300.0)

    assert summary.utilisation == pytest.approx(1, abs=0.01)
    assert summary.served_per_second == pytest.approx(100, rel=0.01)
    assert summary.rate_per_second == 300.0


def test_intervals_are_not_given_for_requests_that_wait_behind_each_other() -> None:
    assert served(arrivals(50.0, 700, seed=0), [0.01] * 700).summary(50.0).latency.intervals == {}


def test_every_rate_is_measured_and_kept_raw(encoder: Encoder, texts: list[str]) -> None:
    workload = ServerWorkload(kind="server", rates=(2000, 4000.5), min_seconds=0.01, min_requests=80)
    found = measured(bench(Recorder(), encoder, texts), workload)

    assert [serving.rate_per_second for serving in found.serving] == [2000, 4000.5]
    assert all(serving.n == 80 for serving in found.serving)
    assert set(found.samples) == {
        "server.2000.waiting",
        "server.2000.latency",
        "server.4000.5.waiting",
        "server.4000.5.latency",
    }
    waiting, latency = found.samples["server.2000.waiting"], found.samples["server.2000.latency"]
    assert np.all((waiting >= 0) & (latency > waiting))
    assert found.highest_rate is None
    assert found.serving[0].latency.p50_ms == sorted(latency)[39]


def test_a_rate_far_beyond_the_model_ends(encoder: Encoder, texts: list[str]) -> None:
    """As many requests as arrive in the time, but not more than the model could nearly answer in it."""
    workload = ServerWorkload(kind="server", rates=(1e9,), min_seconds=0.05, min_requests=10)
    found = measured(bench(Recorder(), encoder, texts), workload)

    assert found.serving[0].n < 100_000
    assert found.serving[0].served_per_second < 1e9


def test_a_low_rate_ends_before_all_its_requests_came(encoder: Encoder, texts: list[str]) -> None:
    workload = ServerWorkload(kind="server", rates=(100,), min_seconds=0.01, min_requests=700, max_seconds=0.05)
    found = measured(bench(Recorder(), encoder, texts), workload)

    assert found.serving[0].n == 5
    assert found.serving[0].latency.p99_ms is None


def test_the_highest_rate_is_looked_for_where_a_bound_is_given(encoder: Encoder, texts: list[str]) -> None:
    workload = ServerWorkload(kind="server", p99_ms=10_000, min_seconds=0.01, min_requests=1)
    found = measured(bench(Recorder(), encoder, texts), workload)

    assert found.highest_rate is not None
    assert found.highest_rate.rate_per_second is not None
    assert all(trial.n >= 662 for trial in found.highest_rate.trials)
    assert "server.trial-1.waiting" in found.samples
    assert len(found.samples) == 2 * len(found.highest_rate.trials)
