"""What a task is, in words: roles of its columns, outputs of its models, metrics. No arrays, no tokenizers, no torch.

Every room that must know something about a task without working with its texts looks it up here: the recipe its roles,
the report its metrics, the model card its name. A task's spec stands in `runtime/tasks/<task>.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from compressor.registry import Registry

__all__ = [
    "DEFAULT_TASK",
    "TASK_SPECS",
    "ChoiceSpec",
    "MetricSpec",
    "OutputSpec",
    "TaskSpec",
    "metric_spec",
    "task_of_config",
    "task_spec",
]


@dataclass(frozen=True)
class MetricSpec:
    """How well a model does, as one figure."""

    name: str
    """Key in recipes and reports: `f1_macro`."""
    title: str
    """Name for people: `macro F1`."""
    unit: Literal["share", "number"] = "share"
    """`share`: between 0 and 1, shown in percent; `number`: shown as it is."""
    higher_is_better: bool = True
    only_beside: bool = False
    """Whether it never is what a model is judged by: one that compares with the teacher, beside those that compare
    with right answers."""


@dataclass(frozen=True)
class OutputSpec:
    """One output of a model, as PyTorch and ONNX name it."""

    name: str
    likelihood: Literal["categorical", "bernoulli", "value", "vector"]
    """What its last dimension means: one of several classes (softmax), classes each yes or no (sigmoid), numbers, or
    a direction in space."""
    per_token: bool = False
    """Whether it has a value at each token, [batch, sequence, ...], rather than one a text, [batch, ...]."""


@dataclass(frozen=True)
class ChoiceSpec:
    """What a recipe may choose of how outputs become answers: an option that travels with the model."""

    name: str
    description: str
    values: tuple[str, ...] | None = None
    """Those it may have; None for a whole number, at least 1."""

    def allows(self, value: Any) -> bool:
        """Whether it may have this value."""
        if self.values is None:
            return isinstance(value, int) and not isinstance(value, bool) and value >= 1
        return value in self.values


@dataclass(frozen=True)
class TaskSpec:
    """A task, as rooms see it that don't work with its texts."""

    name: str
    """As recipes and manifests spell it."""
    title: str
    """For people: `Text classification`."""
    roles: tuple[str, ...]
    """Columns it must have, the text first."""
    optional_roles: tuple[str, ...]
    target_role: str
    """The role whose column holds what a model is to answer: `label`."""
    target: str
    """The kind of target: a file of `data/targets/`."""
    outputs: tuple[OutputSpec, ...]
    """In the order of the ONNX graph."""
    auto_class: str
    """The class of transformers that loads a finished model."""
    metrics: tuple[MetricSpec, ...]
    """In order: a data set that doesn't allow the first is judged by the next one that it allows."""
    pipeline_tag: str
    """What the hub calls the task."""
    problem_type: str | None = None
    """What `config.json` says where several tasks share a class of transformers: `regression`, for example."""
    named_outputs: bool = True
    """Whether the last dimension of the outputs has names: the labels."""
    single_or_pair: bool = False
    """Whether a deployed model answers a text as well as a pair of texts, whichever its data had."""
    choices: tuple[ChoiceSpec, ...] = ()
    """What `student.answers` may hold."""

    @property
    def main_metric(self) -> MetricSpec:
        """The one that gates, early stopping and reports judge by, where the data allows it."""
        return self.metrics[0]

    @property
    def has_probabilities(self) -> bool:
        """Whether answers are probabilities, of one of several classes or of yes and no: not numbers or vectors."""
        return all(output.likelihood in ("categorical", "bernoulli") for output in self.outputs)

    @property
    def text_roles(self) -> tuple[str, ...]:
        """Roles that a deployed model reads."""
        return tuple(role for role in (*self.roles, *self.optional_roles) if role != self.target_role)

    def metric(self, name: str) -> MetricSpec:
        """A metric by its name; one that the task doesn't know is taken for a plain number."""
        known = {metric.name: metric for metric in self.metrics}
        return known.get(name, MetricSpec(name, name.replace("_", " "), unit="number"))


TASK_SPECS: Registry[TaskSpec] = Registry(
    "compressor.runtime.tasks", "compressor.runtime_tasks", lambda module: module.SPEC
)

DEFAULT_TASK = "text-classification"


def task_spec(name: str) -> TaskSpec:
    """The spec of a task.

    Raises:
        KeyError: there is no such task.
    """
    return TASK_SPECS.get(name)


def task_of_config(config: Mapping[str, Any]) -> str:
    """The task of a finished model, by its `config.json`; the default one where that doesn't tell.

    `architectures` names the class (`BertForTokenClassification`), and `problem_type` what it is used for.
    """
    architectures = config.get("architectures")
    name = str(architectures[0]) if isinstance(architectures, list) and architectures else ""
    fitting = [
        spec
        for spec in TASK_SPECS.all().values()
        if spec.auto_class != "AutoModel" and name.endswith(spec.auto_class.removeprefix("AutoModel"))
    ]
    told = [spec for spec in fitting if spec.problem_type and spec.problem_type == config.get("problem_type")]
    default = [spec for spec in fitting if spec.name == DEFAULT_TASK]
    return next((spec.name for spec in (*told, *default, *fitting)), DEFAULT_TASK)


def metric_spec(task: str | None, name: str) -> MetricSpec:
    """A metric of a task; where the task isn't known, of the first task that has a metric of that name."""
    if task in TASK_SPECS.names:
        return task_spec(task).metric(name)
    for spec in TASK_SPECS.all().values():
        if any(metric.name == name for metric in spec.metrics):
            return spec.metric(name)
    return MetricSpec(name, name.replace("_", " "), unit="number")
