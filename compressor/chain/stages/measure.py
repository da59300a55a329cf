"""Measure one subject on one target: accuracy, latency, throughput, memory, size."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from compressor.bench import Subject, host_fingerprint, measure, score_accuracy
from compressor.bench.judged import Judged, judge
from compressor.bench.results import Accuracy, Guess, Measurement, Role, Size
from compressor.chain.examples import evaluation_examples
from compressor.chain.guess import guess_of
from compressor.chain.measurement import write_measurement, write_scores
from compressor.engine.artifact import Artifact
from compressor.engine.key import Json
from compressor.engine.stage import Stage
from compressor.errors import TargetUnavailable, WorkerError
from compressor.events import Events
from compressor.recipe.benchmark import Precision, Target, WorkloadConfig
from compressor.runtime.outputs import Outputs, read_outputs, write_outputs
from compressor.runtime.tasks import Replies, runtime_task

__all__ = ["Measure", "read_test_outputs"]

_OUTPUTS = "outputs"


@dataclass(frozen=True, kw_only=True)
class Measure(Stage):
    """Writes `measurement.json`, and of the test split, where there is one, `scores.npy` and what the model computed
    for each text (`outputs/`).

    Inputs: `model`; `data` and `outputs` (the teacher's, for the agreement) where the recipe has them.
    """

    kind = "measure"
    # 2: the paired difference from the teacher; 3: server, cold start, lengths; 4: every metric; 5: outputs are left;
    # 6: what a batch changes; 7: where the time goes
    version = 7
    spares = (WorkerError, TargetUnavailable)

    task: str
    subject: str
    """`teacher`, `teacher-bf16`, `baseline`, `student`, or the name of a variant."""
    role: Role
    """What the subject is in the chain. Left out of the key: the name and the model tell it."""
    parent: str | None = None
    """The subject it is compared with, by the stage `differences`."""
    engine: Literal["onnxruntime", "torch", "stored"]
    precision: Precision = "fp32"
    """Of a PyTorch reference."""
    target: Target
    workloads: tuple[WorkloadConfig, ...]
    max_length: int
    seed: int
    trust_remote_code: bool = False

    @property
    def libraries(self) -> tuple[str, ...]:  # type: ignore[override]  # depends on the engine
        runtimes = ("onnxruntime", "onnxruntime-gpu", "onnxruntime-openvino")
        if self.engine == "stored":
            return ("numpy",)
        engine = ("torch", "transformers") if self.engine == "torch" else runtimes
        return (*engine, "numpy", "tokenizers")

    @property
    def config(self) -> dict[str, Json]:
        return {
            "task": self.task,
            "subject": self.subject,
            "engine": self.engine,
            "precision": self.precision,
            "target": self.target.model_dump(mode="json", exclude={"required"}),
            "workloads": [workload.model_dump(mode="json") for workload in self.workloads],
            "max_length": self.max_length,
            "seed": self.seed,
        }

    @property
    def host(self) -> dict[str, str]:
        return host_fingerprint()

    def run(self, inputs: Mapping[str, Artifact], out: Path, events: Events) -> dict[str, Json]:
        if self.engine == "stored":
            guess = guess_of(inputs.get("data"), "test", self.task)
            write_measurement(self._stored(inputs["model"], guess, out), out)
            return {}
        examples, targets = evaluation_examples(inputs.get("data"), "test", self.task)
        subject = self.described(inputs["model"])
        measurement, outputs = measure(
            subject, self.target, self.workloads, examples, seed=self.seed, work=out / "raw", events=events
        )
        measurement = replace(measurement, role=self.role)
        if outputs is not None:
            judged = judge(subject, outputs, examples, targets)
            write_outputs(outputs, out / _OUTPUTS)
            measurement = replace(measurement, accuracy=self._accuracy(outputs, judged, inputs, out))
        write_measurement(measurement, out)
        # Of the processes that measured: this one only waits for them.
        return {"peak_mb": measurement.measuring_peak_mb} if measurement.measuring_peak_mb else {}

    def _stored(self, outputs: Artifact, guess: Guess | None, out: Path) -> Measurement:
        """Of answers that are there: their quality is known, and there is nothing to run."""
        known = outputs.folder / "test" / "statistics.npz"
        size = Size(0.0)
        if not known.is_file():  # some texts have no answer
            return Measurement(self.subject, self.engine, self.target.name, size, role=self.role)
        statistics = dict(np.load(known))
        main = runtime_task(self.task).main_metric(statistics)
        if main is not None:
            write_scores(statistics[main.name], out)
        write_outputs(read_outputs(outputs.folder / "test"), out / _OUTPUTS)
        accuracy = score_accuracy(runtime_task(self.task), statistics, guess=guess, seed=self.seed)
        return Measurement(self.subject, self.engine, self.target.name, size, accuracy=accuracy, role=self.role)

    def described(self, model: Artifact) -> Subject:
        """What is measured, in the folder of the stage that made it."""
        return Subject(
            name=self.subject,
            engine="torch" if self.engine == "torch" else "onnxruntime",
            folder=model.folder / "model" if self.engine == "torch" else model.folder,
            max_length=self.max_length,
            parameters=model.facts.get("parameters"),
            task=self.task,
            trust_remote_code=self.trust_remote_code,
            precision=self.precision,
        )

    def _accuracy(self, outputs: Outputs, judged: Judged, inputs: Mapping[str, Artifact], out: Path) -> Accuracy | None:
        """Beside the figures of the teacher, where there is one; leaves the main metric's statistics in `out`."""
        teacher = inputs.get("outputs")
        task, statistics = runtime_task(self.task), dict(judged.statistics)
        agreement, reference = None, None
        if teacher is not None and not (teacher.folder / "test" / "answers.json").is_file():
            teacher = None  # it didn't answer every text
        if teacher is not None:
            folder = teacher.folder / "test"
            theirs = json.loads((folder / "answers.json").read_text(encoding="utf-8"))
            agreement = task.agreement(judged.keys, theirs)
            statistics |= task.compared(Replies(outputs, judged.keys), Replies(read_outputs(folder), theirs))
        main = task.main_metric(statistics)
        if main is not None:
            write_scores(statistics[main.name], out)
        if teacher is not None and main is not None:
            with np.load(folder / "statistics.npz") as known:
                reference = known[main.name]
        return score_accuracy(
            task,
            statistics,
            agreement=agreement,
            reference=None if self.role == "teacher" and self.parent is None else reference,
            guess=guess_of(inputs.get("data"), "test", self.task),
            seed=self.seed,
        )


def read_test_outputs(artifact: Artifact) -> Outputs | None:
    """What a measured model computed for the test split; None where it was not measured on one."""
    folder = artifact.folder / _OUTPUTS
    return read_outputs(folder) if folder.is_dir() else None
