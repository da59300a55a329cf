"""How much will be kept of what teachers say, before they are asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from compressor.chain.stages import Answers, Ask, Augment, Ensemble, Generate, Label, Prepare, Teach, Unlabelled
from compressor.engine.artifact import Artifact
from compressor.engine.plan import Plan
from compressor.engine.stage import Stage
from compressor.engine.store import Store
from compressor.json_file import read_object
from compressor.sources import local_copy
from compressor.sources.model_config import depth_and_width
from compressor.task_specs import TaskSpec, task_spec

__all__ = ["KeptOutputs", "kept_outputs"]

_HALF, _SINGLE = 2, 4
"""Bytes of a number in fp16 and in fp32."""


@dataclass(frozen=True)
class KeptOutputs:
    """What one stage will write down of a teacher."""

    stage: str
    key: str
    signals: tuple[str, ...]
    """Kept of texts to train on beside the outputs: `states-mean`."""
    bytes_per_text: int | None
    """Of a text to train on; None where it can't be told before the data or the teacher are here."""
    texts: int | None
    """Of all splits, or of a source of texts; None where that isn't known before it is read or made."""
    megabytes: float | None
    at_most: bool
    """Whether fewer texts may come: duplicates and unusable ones are left out."""


def kept_outputs(plan: Plan, store: Store) -> list[KeptOutputs]:
    """Of every stage that has yet to ask a teacher, once of those that are the same under two names. Looks only at what
    is on this machine already."""
    looked = _Look(plan, store)
    asking = [stage for stage in plan.stages if _asks(stage) and looked.finished(stage.name) is None]
    first = {plan.keys[stage.name].digest: stage for stage in reversed(asking)}
    return [looked.at(stage) for stage in asking if first[plan.keys[stage.name].digest] is stage]


def _asks(stage: Stage) -> bool:
    return isinstance(stage, Label | Ask | Answers | Ensemble)


class _Look:
    """What of a plan is finished, and what that tells of the rest."""

    def __init__(self, plan: Plan, store: Store) -> None:
        self._plan, self._store = plan, store
        self._stages = {stage.name: stage for stage in plan.stages}

    def finished(self, name: str) -> Artifact | None:
        return self._store.peek(self._plan.keys[name])

    def at(self, stage: Stage) -> KeptOutputs:
        """Outputs are kept of every text, signals of texts to train on."""
        outputs, signals = self._outputs(stage), stage.keeps if isinstance(stage, Label) else ()
        states = self._states(stage) if signals else 0
        a_text = None if outputs is None or states is None else outputs + len(signals) * states
        train, others, at_most = self._texts(stage)
        texts = total = None
        if train is not None:
            texts = train + others
            if outputs is not None and a_text is not None:
                total = round((train * a_text + others * outputs) / 1e6, 6)
        return KeptOutputs(stage.name, self._plan.keys[stage.name].digest, signals, a_text, texts, total, at_most)

    def _outputs(self, stage: Stage) -> int | None:
        """Bytes of the outputs for a text; None also where they are for tokens, whose number nobody knows."""
        spec = task_spec(str(stage.config["task"]))
        count = 0
        for output in spec.outputs:
            numbers = self._vectors(stage, spec) if output.likelihood == "vector" else self._labels(stage)
            if output.per_token or numbers is None:
                return None
            count += max(1, numbers) * (_SINGLE if output.likelihood == "value" else _HALF)
        return count

    def _vectors(self, stage: Stage, spec: TaskSpec) -> int | None:
        """Numbers of one vector a text. Where pairs have a score, there are two texts a row."""
        found, planned = self._layout(stage), self._stages[stage.inputs["data"]]
        pairs = isinstance(planned, Prepare) and spec.target_role in planned.section.columns
        return None if found is None else found[1] * (2 if pairs and "texts" not in stage.inputs else 1)

    def _labels(self, stage: Stage) -> int | None:
        """How many names the outputs have."""
        prepare = stage.inputs["data"]
        if (made := self.finished(prepare)) is not None:
            return len(made.facts["labels"])
        planned = self._stages[prepare]
        named = planned.section.labels if isinstance(planned, Prepare) else None
        if named is None:
            return None
        return len(set(named.values()) if isinstance(named, dict) else set(named))

    def _states(self, stage: Stage) -> int | None:
        """Bytes of one vector a layer, with that of the embeddings."""
        found = self._layout(stage)
        return None if found is None else _HALF * (1 + found[0]) * found[1]

    def _layout(self, stage: Stage) -> tuple[int, int] | None:
        """Layers and width of the teacher, by its `config.json` where that is here."""
        name = stage.inputs.get("teacher")
        if name is None:
            return None
        teacher = self._stages[name]
        if (made := self.finished(name)) is not None:
            folder: Path | None = made.folder / "model"
        else:
            folder = local_copy(teacher.sources["model"]) if isinstance(teacher, Teach) else None
        if folder is None or not (folder / "config.json").is_file():
            return None
        return depth_and_width(read_object(folder / "config.json"))

    def _texts(self, stage: Stage) -> tuple[int | None, int, bool]:
        """How many texts to train on and how many others, and whether some of them may yet be left out."""
        if "texts" not in stage.inputs:
            if (rows := self._rows(stage)) is None:
                return None, 0, False
            return rows["train"], sum(rows.values()) - rows["train"], False
        name = stage.inputs["texts"]
        if (made := self.finished(name)) is not None:
            return int(made.facts["kept"]), 0, False
        return self._wanted(self._stages[name]), 0, True

    def _wanted(self, source: Stage) -> int | None:
        """How many texts a source is to bring."""
        if isinstance(source, Generate):
            return source.section.count
        if isinstance(source, Unlabelled):
            return source.section.limit
        if isinstance(source, Augment) and source.section.count is None:
            rows = self._rows(source)
            return None if rows is None else source.section.copies * rows["train"]
        return source.section.count if isinstance(source, Augment) else None

    def _rows(self, stage: Stage) -> dict[str, int] | None:
        """Rows of each split, once they are prepared."""
        made = self.finished(stage.inputs["data"])
        return (
            None if made is None else {"train": 0} | {name: one["rows"] for name, one in made.facts["splits"].items()}
        )
