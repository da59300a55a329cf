"""One stage of a recipe, with what it reads: what `compressor run` does up to there, and no further.

    python -m benchmarks.run_stage RECIPE STAGE        prints what the stage cost and found, as JSON

The store is that of $COMPRESSOR_HOME. A stage that is finished there is told as it was when it ran.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Collection
from pathlib import Path

from compressor.chain.plan import make_plan
from compressor.engine.artifact import Artifact
from compressor.engine.plan import Plan
from compressor.engine.runner import Runner
from compressor.engine.store import Store
from compressor.events import Silent
from compressor.recipe import Recipe, load_recipe


def run_stages(recipe: Recipe, names: Collection[str], store: Store | None = None) -> dict[str, Artifact]:
    """These stages and those that they read, from the store or by running them."""
    plan = make_plan(recipe)
    wanted = set(names)
    for stage in reversed(plan.stages):
        if stage.name in wanted:
            wanted |= set(stage.inputs.values())
    stages = tuple(stage for stage in plan.stages if stage.name in wanted)
    return Runner(Plan(stages=stages, keys=plan.keys), store or Store(), Silent()).run()


def main() -> None:
    recipe, name = sys.argv[1:]
    artifact = run_stages(load_recipe(Path(recipe)), [name])[name]
    cost = {"seconds": artifact.seconds, "peak_mb": artifact.peak_mb, "bytes": artifact.size, "facts": artifact.facts}
    sys.stdout.write(json.dumps(cost) + "\n")


if __name__ == "__main__":
    main()
