"""What a measurement found: frozen, JSON-able, each figure with its `n`.

Times are milliseconds, memory and sizes are megabytes (10^6 bytes). A figure the sample doesn't support is None and
printed as n/a.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from compressor.bench.energy import Energy
from compressor.bench.executed import Graph, Profile
from compressor.bench.guess import Guess

__all__ = [
    "Accuracy",
    "BatchDrift",
    "ColdStart",
    "Difference",
    "Energy",
    "Failed",
    "GateVerdict",
    "Graph",
    "Guess",
    "HighestRate",
    "Histogram",
    "Interval",
    "Latency",
    "Lengths",
    "Measurement",
    "Memory",
    "Percentiles",
    "Profile",
    "Role",
    "Serving",
    "Size",
    "Skipped",
    "Throughput",
    "VariantDifference",
    "reference_role",
]

Role = Literal["teacher", "baseline", "student", "variant"]
"""What a measured model is in the chain: three in PyTorch, and what is made of the student in ONNX."""


def reference_role(roles: Iterable[Role | None]) -> Role | None:
    """The role of the model that the others of a run compare with, its *reference model*: the teacher where there is
    one, else the model in PyTorch that the variants are made of. None where nothing is to be compared."""
    known = set(roles)
    if "teacher" in known:
        return "teacher"
    return "student" if known >= {"student", "variant"} else None


@dataclass(frozen=True)
class Interval:
    """A confidence interval."""

    low: float
    high: float
    confidence: float = 0.95


@dataclass(frozen=True)
class Difference:
    """How far two models' scores on the same examples lie apart, and how sure that is."""

    value: float
    interval: Interval
    better: int = 0
    """Examples this model scores higher on."""
    worse: int = 0
    p_value: float | None = None
    """Exact McNemar test: how likely `better` and `worse` are this unlike by chance. None unless every score is 0 or
    1."""


@dataclass(frozen=True)
class Histogram:
    """Counts [n] between edges [n + 1]; the last bin holds its upper edge."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True)
class Lengths:
    """How long the texts are that a model was measured with, in its own tokens."""

    n: int
    mean_tokens: float
    max_tokens: int
    cut: float
    """Share of texts that had to be cut to the model's maximum length."""
    histogram: Histogram


@dataclass(frozen=True)
class Accuracy:
    """Quality on the test split."""

    metric: str
    """Name of the task's main metric, for example `accuracy`; `value` and `interval` are of it, 0 to 1."""
    value: float
    interval: Interval
    n: int
    metrics: dict[str, float]
    """Every metric of the task, for example accuracy and f1_macro."""
    agreement: float | None = None
    """Share of examples answered as the teacher does."""
    difference: Difference | None = None
    """Of the main metric from the reference model's, paired by example: narrower than two intervals side by side."""
    guess: Guess | None = None


@dataclass(frozen=True)
class BatchDrift:
    """How far a text's outputs move with the texts beside it in a batch, and with the padding to the longest of them.

    Differences are shares of the outputs' spread: their standard deviation over the texts.
    """

    batch: int
    """Rows that were computed at once; the last batch may have been smaller."""
    n: int
    """Texts, each answered alone and in a batch of others."""
    largest: float | None
    """Of all differences between a number alone and the same in a batch; None where one in a batch is NaN."""
    mean: float | None
    changed: float | None
    """Share of texts with another answer; None where answers are numbers or vectors, hardly two of them the same."""


@dataclass(frozen=True)
class Percentiles:
    """A latency distribution. p90, p95 and p99 are None unless `n` supports them at 99% confidence."""

    n: int
    mean_ms: float
    min_ms: float
    p50_ms: float
    p90_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    intervals: dict[str, Interval] = field(default_factory=dict)
    """`p50`, `p90`, ... -> order-statistic interval in ms, for those percentiles that are given."""


@dataclass(frozen=True)
class Latency:
    """One latency workload: `dataset` (natural lengths) or one cell of a `grid`."""

    workload: str
    batch: int
    sequence: int | None
    """Length in tokens; None where every input has its own."""
    model: Percentiles
    """The model alone, inputs ready."""
    end_to_end: Percentiles | None
    """Tokenization, model and post-processing; None where inputs are made up."""
    histogram: Histogram | None = None
    """Of `model`, in ms, on a logarithmic scale; the edges end where the samples do."""


@dataclass(frozen=True)
class Serving:
    """An open loop: requests arrive at random (Poisson) whether or not the model keeps up."""

    rate_per_second: float
    """Arrivals asked for."""
    served_per_second: float
    n: int
    utilisation: float
    """Share of the time in which the model was busy."""
    latency: Percentiles
    """From the arrival, waiting included, to the answer."""


@dataclass(frozen=True)
class HighestRate:
    """The highest rate of arrivals at which the 99th percentile of latency stayed within a bound."""

    p99_ms: float
    """The bound."""
    rate_per_second: float | None
    """None where no rate kept it."""
    trials: tuple[Serving, ...] = ()


@dataclass(frozen=True)
class ColdStart:
    """From starting a process to its first answer: medians over `n` fresh processes, files in the page cache."""

    n: int
    import_ms: float
    """Starting Python and importing what running the model takes."""
    load_ms: float
    first_answer_ms: float
    total_ms: float
    """Median of the sums, which is not the sum of the medians."""


@dataclass(frozen=True)
class Throughput:
    """Length-sorted batches of real texts."""

    batch: int
    n: int
    samples_per_second: float
    tokens_per_second: float
    """Real tokens: padding doesn't count."""
    padding_ratio: float
    """Padding positions as a share of all positions."""


@dataclass(frozen=True)
class Memory:
    """Resident memory of a process that does nothing but run this model."""

    imports_mb: float
    load_mb: float
    peak_mb: float
    anonymous_mb: float | None
    """Anonymous part after the runs; None outside Linux."""
    file_mb: float | None
    """File-backed part after the runs: shared, and dropped under pressure."""
    device_mb: float | None = None
    """What the driver says the process holds on the GPU after the runs; None where it can't tell."""


@dataclass(frozen=True)
class Size:
    """What the model weighs."""

    model_mb: float
    """0 where there is no model: answers that came from elsewhere."""
    parameters: int | None = None
    deployed_mb: float | None = None
    """All that a device needs to run this model alone: also tokenizer, configuration, manifest."""


@dataclass(frozen=True)
class Skipped:
    """A target that isn't there, and why."""

    reason: str


@dataclass(frozen=True)
class Failed:
    """A measurement that broke off, and what is known of why."""

    reason: str


@dataclass(frozen=True)
class VariantDifference:
    """How much better (above 0) or worse `subject` scores than `reference` on the same examples of the test split."""

    subject: str
    reference: str
    target: str
    metric: str
    difference: Difference


@dataclass(frozen=True)
class GateVerdict:
    """One gate of the recipe, and whether it holds for the chosen variant."""

    name: str
    expression: str
    """For example `>= 0.97`."""
    value: float | None
    """What was measured; None when it couldn't be, and then the gate doesn't hold."""
    passed: bool
    reason: str = ""


@dataclass(frozen=True)
class Measurement:
    """One subject (a variant, or a PyTorch reference) on one target."""

    subject: str
    engine: str
    """`onnxruntime`, `torch`, or `stored` for answers that were there."""
    target: str
    size: Size
    accuracy: Accuracy | None = None
    latencies: tuple[Latency, ...] = ()
    throughput: Throughput | None = None
    memory: Memory | None = None
    energy: Energy | None = None
    """None where it can't be read: `energy` of the environment says why."""
    environment: dict[str, Any] = field(default_factory=dict)
    skipped: Skipped | None = None
    reference: str | None = None
    """The target that PyTorch is measured on to compare with this one, where it is another."""
    precision: str | None = None
    """Of a PyTorch reference: `fp32` or `bf16`. A variant's is in its file."""
    lengths: Lengths | None = None
    serving: tuple[Serving, ...] = ()
    highest_rate: HighestRate | None = None
    cold_start: ColdStart | None = None
    graph: Graph | None = None
    failed: Failed | None = None
    measuring_peak_mb: float | None = None
    """Highest resident memory of the processes that measured: what measuring took, not what the model takes."""
    batch_drift: tuple[BatchDrift, ...] = ()
    """For each size of a batch."""
    role: Role | None = None
    """What the subject is in the chain. Left out, as reports of earlier versions do, its name tells."""

    def __post_init__(self) -> None:
        if self.role is None:
            name = self.subject.partition("-")[0]
            known: dict[str, Role] = {"teacher": "teacher", "student": "student", "baseline": "baseline"}
            role = known.get(name, "student") if self.engine == "torch" else "variant"
            object.__setattr__(self, "role", role)

    def latency(self, workload: str = "dataset") -> Latency | None:
        """The first latency of this workload."""
        return next((latency for latency in self.latencies if latency.workload == workload), None)

    @property
    def largest_drift(self) -> float | None:
        """The largest difference of `batch_drift` in a batch of any size; None where it isn't known of one."""
        known = [drift.largest for drift in self.batch_drift if drift.largest is not None]
        return max(known) if known and len(known) == len(self.batch_drift) else None

    def to_json(self) -> dict[str, Any]:
        """Plain data, the inverse of `from_json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Measurement:
        """Rebuild a measurement from `to_json`."""
        from pydantic import TypeAdapter

        return TypeAdapter(cls).validate_python(data)
