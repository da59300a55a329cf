"""A model that is asked again and again: a variant of a bundle, an ONNX file, or a PyTorch model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy.typing as npt

from compressor.bench.engine import Engine
from compressor.bench.judged import Judged
from compressor.bench.open_engine import open_engine
from compressor.bench.placement import Placement
from compressor.bench.subject import Subject, answer_settings
from compressor.runtime.compute import compute
from compressor.runtime.encoder import Encoder, Inputs
from compressor.runtime.tasks import Example, runtime_task
from compressor.runtime.tasks.base import names_of

__all__ = ["AskedModel"]


class AskedModel:
    """Answers examples, each alone, as a bundle does.

    Args:
        unsure: probability below which an answer is called unsure, of a model that isn't in its bundle yet.

    Raises:
        BundleError: the model can't be loaded. TargetUnavailable: the device isn't here.
    """

    def __init__(self, subject: Subject, placement: Placement, *, unsure: float | None = None) -> None:
        self.subject = subject
        self.task = runtime_task(subject.task)
        settings = answer_settings(subject)
        self.settings = settings if unsure is None else replace(settings, unsure=unsure)
        self.encoder = Encoder.from_folder(subject.folder, subject.max_length)
        self.engine = open_engine(subject, placement)

    @property
    def name(self) -> str:
        """As reports call it."""
        return self.subject.name if self.subject.engine == "torch" else f"onnx {self.subject.name}"

    def __call__(self, examples: Sequence[Example], targets: Sequence[Any] | None = None) -> Judged:
        """What it answers; scored where `targets`, as a prepared split holds them, are given."""
        encoded = self.task.encode(self.encoder, examples)
        model = _Computed(self.engine)
        outputs = compute(model, self.encoder, self.task, encoded, options=self.settings.options, batch_size=1)
        settings = self.settings
        if self.task.spec.named_outputs and not settings.labels:  # a bare file may name none
            settings = replace(settings, labels=names_of(outputs[self.task.spec.outputs[0].name].values, settings))
        answers = self.task.decode(outputs, encoded, settings)
        statistics = {} if targets is None else self.task.statistics(outputs, encoded, targets, settings)
        return Judged(answers, self.task.keys(answers), statistics)


class _Computed:
    """An engine as the runtime's `compute` asks it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def run(self, inputs: Inputs) -> list[npt.NDArray[Any]]:
        return self._engine.collect(self._engine.compute(self._engine.place(inputs)))
