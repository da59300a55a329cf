"""Weigh the training texts, so that groups of them count alike."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from compressor.chain.balance_finding import balance_finding, bounded_groups
from compressor.chain.findings import write_findings
from compressor.chain.stages.prepare import Prepare
from compressor.engine.artifact import Artifact
from compressor.engine.key import Json
from compressor.errors import listed
from compressor.events import Events
from compressor.recipe.balance import BalanceSection
from compressor.sources import Source
from compressor.task_specs import task_spec

__all__ = ["WEIGHTS", "Balance", "weights_file"]

WEIGHTS = "balance"
"""The role of the input that trainings read the weights from."""


@dataclass(frozen=True, kw_only=True)
class Balance(Prepare):
    """Writes `weights.npy`, and `findings.json` with the weight of each group. Inputs: `data`.

    Where a column makes the groups, the data are prepared once more with it: what is prepared depends on content and
    seed alone, so the rows are those of `prepare`, in its order. Only trainings read the weights, so that other
    weights change neither the data nor what a finished teacher says of them.
    """

    kind = "balance"

    @property
    def balance(self) -> BalanceSection:
        """The section that it carries out."""
        assert self.section.balance is not None
        return self.section.balance

    @property
    def config(self) -> dict[str, Json]:
        return {**super().config, "balance": self.balance.model_dump(mode="json")}

    @property
    def sources(self) -> dict[str, Source]:
        return super().sources if self.balance.column else {}

    def run(self, inputs: Mapping[str, Artifact], out: Path, events: Events) -> dict[str, Json]:
        import numpy as np

        from compressor.data.balance import WEIGHTS_FILE, training_weights
        from compressor.data.columns import BALANCED

        column = self.balance.column
        read = out / "read" if column else None
        if read:
            self.prepared(read, events, keep={f"{BALANCED}{column}": str(column)})
        spec = task_spec(self.task)
        weights, facts = training_weights(self.balance, spec, data=inputs["data"].folder, columns=read)
        np.save(out / WEIGHTS_FILE, weights, allow_pickle=False)
        if read:
            shutil.rmtree(read)
        if bounded := bounded_groups(facts):
            most = f"data.balance.max_weight, {self.balance.max_weight:g}"
            events.warn(
                f"balance: texts of {listed(bounded)} would weigh more than {most}: they count too little still."
            )
        write_findings([balance_finding(facts)], out)
        return facts


def weights_file(inputs: Mapping[str, Artifact]) -> Path | None:
    """The weights of the training texts, for a stage that may read some."""
    from compressor.data.balance import WEIGHTS_FILE

    return inputs[WEIGHTS].folder / WEIGHTS_FILE if WEIGHTS in inputs else None
