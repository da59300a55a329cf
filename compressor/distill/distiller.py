"""The module that is trained: the student and its objectives, with the teacher beside them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

import torch

from compressor.distill.adversary import Adversary
from compressor.distill.likelihood import LIKELIHOODS
from compressor.distill.mixup import Mixture, run_mixed
from compressor.distill.objective import Objective
from compressor.distill.outputs import TeacherOutputs, model_inputs
from compressor.distill.signals import (
    COMPARED,
    LIKELIHOOD,
    LOGITS,
    MIXED,
    MIXTURE,
    PROGRESS,
    SECOND_PASS,
    Batch,
    Signal,
    Signals,
    in_words,
    run_model,
)
from compressor.distill.word_embeddings import run_with_embeddings, word_embeddings
from compressor.errors import Problem, RecipeError
from compressor.recipe.scheduled import value_at
from compressor.tasks.base import Supervised, Task

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["Distiller"]

_Compared: TypeAlias = tuple[Sequence[Supervised], Mixture | None]
"""What an objective compares that doesn't compare the answers to a batch as it is; and what it was mixed of."""


class Distiller(torch.nn.Module):
    """Student and objectives as one module, so that a plain `transformers.Trainer` trains and checkpoints both.

    In training the loss is the weighted sum of the objectives. In evaluation it is the loss against the
    data's labels (for classes the cross-entropy), which needs no teacher and can be compared between runs; where the
    data has no labels, it is the weighted sum of the objectives that compare outputs: with those of the teacher, or
    of the texts of a pair with each other.

    Whoever trains it sets `progress`, the share of its steps that is done, before each step: weights and temperatures
    may change with it. While its weight is 0 an objective isn't computed, and nothing is asked of a model for it.

    Raises:
        RecipeError: an objective needs what `teacher` doesn't provide.
    """

    # The Trainer divides the loss by the number of accumulated steps: ours is a mean over one batch.
    accepts_loss_kwargs = False

    def __init__(
        self,
        student: PreTrainedModel,
        objectives: Sequence[Objective],
        *,
        task: Task,
        teacher: TeacherOutputs | None = None,
        validation: TeacherOutputs | None = None,
        special_tokens: Collection[int] = (),
    ) -> None:
        """
        Args:
            validation: the teacher's outputs for the validation split, for data without labels.
            special_tokens: those of the student's tokenizer, whose embeddings no objective changes.
        """
        super().__init__()
        self.special: torch.Tensor
        _check_needs(objectives, teacher)
        self.student = student
        self.objectives = torch.nn.ModuleList(objectives)
        self.task = task
        self.teacher = teacher
        self.validation = validation
        self.register_buffer("special", torch.tensor(sorted(special_tokens), dtype=torch.long), persistent=False)
        self.names = _unique_names(objectives)
        self.whole_examples = any(objective.whole_examples for objective in objectives)
        self.progress = 0.0
        self._sums: dict[str, torch.Tensor | float] = {}
        self._batches: Counter[str] = Counter()

    def forward(self, **batch: torch.Tensor) -> dict[str, torch.Tensor]:
        """`loss`, a scalar, and in evaluation what the task keeps of the student's outputs, by their names."""
        inputs = model_inputs(self.student, batch)
        needs = self._needs() if self.training else frozenset[Signal]()
        output, signals = run_model(self.student, inputs, needs)
        if not self.training:
            with _in_fp32(batch):
                reduced = self._reduce(output, batch)
                return {"loss": self._validation_loss(reduced, batch), **reduced}
        twice = any(objective.second_pass for objective in self._weighed().values())
        second = self.student(**inputs) if twice else None
        with _in_fp32(batch):
            teacher = self._taught(batch, needs)
        others = self._mixed(batch, inputs) | self._attacked(batch, inputs, teacher)
        with _in_fp32(batch):
            rows = self._rows(output, batch, teacher)
            again = [] if second is None else self._rows(second, batch, teacher)
            return {"loss": self._loss(rows, {**signals, PROGRESS: self.progress}, teacher, batch, again, others)}

    def means(self) -> dict[str, float]:
        """Mean of each objective, before weighting, over the batches since `forget` that it was computed for; of those
        that were computed at all."""
        return {name: float(total) / self._batches[name] for name, total in self._sums.items()}

    def mean_loss(self) -> float:
        """Mean of the weighted sum over the batches since `forget`."""
        weights = {name: value_at(o.weight, self.progress) for name, o in self._named().items()}
        return sum(weights[name] * mean for name, mean in self.means().items())

    def forget(self) -> None:
        """Start the means anew."""
        self._sums = {}
        self._batches = Counter()

    def _reduce(self, output: Any, batch: Batch) -> Mapping[str, torch.Tensor]:
        return self.task.reduce(output, batch, self.task.options(self.student))

    def _taught(self, batch: Batch, needs: frozenset[Signal]) -> Signals:
        """What the teacher says of the batch as it is."""
        wanted = needs - {MIXED}
        return self.teacher.read(batch, wanted) if self.teacher is not None and wanted else {}

    def _rows(self, output: Any, batch: Batch, teacher: Signals) -> Sequence[Supervised]:
        return self.task.supervised(self._reduce(output, batch), batch, teacher.get(LOGITS))

    def _mixed(self, batch: Batch, inputs: Mapping[str, torch.Tensor]) -> dict[str, _Compared]:
        """What both models say of mixtures of the batch's texts, drawn for each objective that compares that. Labels
        are those of their first texts."""
        found: dict[str, _Compared] = {}
        for name, objective in self._weighed().items():
            if objective.mix is not None and self.teacher is not None:
                mixture = objective.mix(len(batch["input_ids"]))
                teacher = self.teacher.read_mixed(batch, mixture)
                student = self._reduce(run_mixed(self.student, inputs, mixture), batch)
                found[name] = self.task.supervised(student, batch, teacher), mixture
        return found

    def _attacked(self, batch: Batch, inputs: Mapping[str, torch.Tensor], teacher: Signals) -> dict[str, _Compared]:
        """What the student says of the batch's texts with word embeddings that are changed against each objective that
        compares that, beside what the teacher says of them as they are."""
        found: dict[str, _Compared] = {}
        for name, objective in self._weighed().items():
            if objective.adversary is not None:
                found[name] = self._under_attack(objective, objective.adversary, batch, inputs, teacher), None
        return found

    def _under_attack(
        self,
        objective: Objective,
        adversary: Adversary,
        batch: Batch,
        inputs: Mapping[str, torch.Tensor],
        teacher: Signals,
    ) -> Sequence[Supervised]:
        vectors = word_embeddings(self.student, inputs["input_ids"])
        words = batch["attention_mask"].bool() & ~torch.isin(batch["input_ids"], self.special)

        def answers(change: torch.Tensor) -> Sequence[Supervised]:
            output = run_with_embeddings(self.student, inputs, vectors + change)
            with _in_fp32(batch):
                return self._rows(output, batch, teacher)

        def loss(change: torch.Tensor) -> torch.Tensor:
            rows = answers(change)
            with _in_fp32(batch):
                return _value(objective, rows, {PROGRESS: self.progress}, teacher, batch)

        return answers(adversary.change(loss, vectors, words))

    def _loss(
        self,
        rows: Sequence[Supervised],
        student: Signals,
        teacher: Signals,
        batch: Batch,
        again: Sequence[Supervised],
        others: Mapping[str, _Compared],
    ) -> torch.Tensor:
        weighed = self._weighed()
        # Without any it still needs a gradient; with some, one for answers that none compares would cost a pass.
        total = rows[0].student.new_zeros(()) if weighed else rows[0].student.sum() * 0
        for name, objective in weighed.items():
            compared, mixture = others.get(name, (rows, None))
            value = _value(objective, compared, {**student, MIXTURE: mixture}, teacher, batch, again)
            self._sums[name] = self._sums.get(name, 0.0) + value.detach()
            self._batches[name] += 1
            total = total + value_at(objective.weight, self.progress) * value
        return total

    def _validation_loss(self, outputs: Mapping[str, torch.Tensor], batch: Batch) -> torch.Tensor:
        teacher = self.validation.read(batch, frozenset({LOGITS})) if self.validation is not None else {}
        rows = self.task.supervised(outputs, batch, teacher.get(LOGITS))
        losses = [LIKELIHOODS[row.likelihood].loss(row.student, row.labels) for row in rows if row.labels is not None]
        if self.validation is None and losses:
            return torch.stack(losses).mean()
        compared = [objective for objective in self._each() if objective.judges(frozenset(teacher))]
        student = {PROGRESS: self.progress}
        values = [value_at(o.weight, self.progress) * _value(o, rows, student, teacher, batch) for o in compared]
        return torch.stack(values).sum()

    def _each(self) -> Sequence[Objective]:
        return list(self.objectives)  # type: ignore[arg-type]  # a ModuleList forgets what it holds

    def _named(self) -> dict[str, Objective]:
        return dict(zip(self.names, self._each(), strict=True))

    def _weighed(self) -> dict[str, Objective]:
        """Those with a weight above 0 at this step."""
        return {name: one for name, one in self._named().items() if value_at(one.weight, self.progress) > 0}

    def _needs(self) -> frozenset[Signal]:
        """What they compare."""
        return frozenset[Signal]().union(*(objective.needs for objective in self._weighed().values()))


def _in_fp32(batch: Batch) -> torch.autocast:
    """Losses are computed in fp32, also where autocast runs the models in bf16."""
    return torch.autocast(batch["input_ids"].device.type, enabled=False)


def _value(
    objective: Objective,
    rows: Sequence[Supervised],
    student: Signals,
    teacher: Signals,
    batch: Batch,
    second: Sequence[Supervised] = (),
) -> torch.Tensor:
    """The loss of one objective. Of several outputs (the start and the end of an answer), each has an equal part."""
    values = []
    for index, every in enumerate(rows):
        row = _answered(every) if LOGITS in objective.needs else every
        again = {SECOND_PASS: second[index].student} if second else {}
        compared = _compared(objective, teacher, batch)
        nothing = not len(row.student) or (compared is not batch and not compared["attention_mask"].any())
        seen = _signals(row, {**student, **again}, teacher, compared)
        values.append(row.student.sum() * 0 if nothing else objective(*seen))
    return torch.stack(values).mean()


def _compared(objective: Objective, teacher: Signals, batch: Batch) -> Batch:
    """The batch with those tokens alone that a teacher with another tokenizer has counterparts of, for an objective
    that compares tokens."""
    if COMPARED not in teacher or not any(signal.per_token for signal in objective.needs):
        return batch
    return {**batch, "attention_mask": teacher[COMPARED].to(batch["attention_mask"].dtype)}


def _answered(row: Supervised) -> Supervised:
    """The rows that the teacher answered: where its answers come from a file, that need not be all."""
    if row.teacher is None or not (unknown := row.teacher.isnan().any(dim=-1)).any():
        return row
    labels = None if row.labels is None else row.labels[~unknown]
    return replace(row, student=row.student[~unknown], labels=labels, teacher=row.teacher[~unknown])


def _signals(row: Supervised, student: Signals, teacher: Signals, batch: Batch) -> tuple[Signals, Signals, Batch]:
    """What an objective sees of one output."""
    theirs = teacher if row.teacher is None else {**teacher, LOGITS: row.teacher}
    labelled = batch if row.labels is None else {**batch, "labels": row.labels}
    return {**student, LOGITS: row.student, LIKELIHOOD: LIKELIHOODS[row.likelihood]}, theirs, labelled


def _check_needs(objectives: Sequence[Objective], teacher: TeacherOutputs | None) -> None:
    problems = [
        Problem(
            f"{objective.kind} needs the teacher's {in_words(missing)}; "
            + (f"what is there has {in_words(teacher.provides)} only." if teacher else "there is no teacher."),
            path=f"distill.objectives.{index}",
        )
        for index, objective in enumerate(objectives)
        if (missing := teacher.lacks(objective.needs) if teacher else objective.needs)
    ]
    if problems:
        raise RecipeError(problems, hint="Run the teacher live, or leave the objective out.")


def _unique_names(objectives: Sequence[Objective]) -> list[str]:
    """The kinds; numbered where one is used twice, with two temperatures for example."""
    count = Counter(objective.kind for objective in objectives)
    seen: Counter[str] = Counter()
    names: list[str] = []
    for objective in objectives:
        seen[objective.kind] += 1
        names.append(f"{objective.kind}-{seen[objective.kind]}" if count[objective.kind] > 1 else objective.kind)
    return names
