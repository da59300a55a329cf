"""Compare the Python code of two git revisions."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from compressor.bench.environment import cpu_ticks
from compressor.compare.arm import RevisionSpec
from compressor.compare.labelled import read_labelled
from compressor.compare.latency import LatencyCase
from compressor.compare.results import Comparison
from compressor.compare.settings import Settings, assert_possible, concluded
from compressor.compare.trial import decide
from compressor.compare.worktree import checked_out
from compressor.errors import RecipeError
from compressor.events import Events
from compressor.runtime.manifest import Manifest
from compressor.runtime.tasks import runtime_task
from compressor.task_specs import task_spec

__all__ = ["compare_revisions"]


def compare_revisions(
    a: str,
    b: str,
    *,
    repository: Path,
    bundle: Path | None,
    call: str | None,
    settings: Settings,
    work: Path,
    events: Events,
) -> Comparison:
    """Compare by what `call` (a factory `module:function`) returns or, for this package's own code, by answering texts
    with a bundle.

    Args:
        repository: where `call` is looked for; a folder within it will do.
        work: where raw times are left.

    Raises:
        RecipeError: the settings don't go together. SourceError: a revision can't be checked out.
        BundleError: not a bundle. DataError: the texts can't be used. WorkerError: the code of a revision can't be run.
    """
    if (bundle is None) == (call is None):
        raise RecipeError("Give what the revisions are to be timed with: --bundle or --call, one of them.")
    if call is not None and not all(call.partition(":")[::2]):
        raise RecipeError(f"{call!r} names no function.", hint="Give module:function; what it returns is timed.")
    if settings.variants or settings.shapes:
        raise RecipeError("--variant and --shape are for models: leave them out with --worktree.")
    assert_possible(settings)
    predict = _arguments(bundle, settings) if bundle is not None else {}
    before = cpu_ticks()
    with ExitStack() as stack:
        mine, other = (stack.enter_context(checked_out(revision, repository)) for revision in (a, b))
        case = LatencyCase(
            name=call or "texts answered by the bundle",
            a=RevisionSpec(mine.name, str(mine.root), call, predict),
            b=RevisionSpec(other.name, str(other.root), call, predict),
            work=work / "latency",
            tolerance=settings.tolerances.latency,
            processes=settings.processes,
            threads=settings.target.threads,
            loads=1,
            pinned=settings.target.threads == 1,
        )
        rows = decide([case], seed=settings.seed, events=events)
        return concluded(mine.name, other.name, settings, rows, before)


def _arguments(bundle: Path, settings: Settings) -> dict[str, Any]:
    """Of `arm_server.predictor`."""
    manifest = Manifest.read(bundle)
    roles, spec = manifest.roles, task_spec(manifest.task)
    unread = [role for role in spec.text_roles if role not in roles]
    target, optional = spec.target_role, spec.target_role in spec.optional_roles
    given = read_labelled(settings.data, roles, target, unread, optional=optional).examples if settings.data else ()
    examples = given or runtime_task(manifest.task).samples(roles)
    return {
        "bundle": str(bundle.resolve()),
        "inputs": [[example[role] for role in roles] for example in examples],
        "device": settings.target.device,
        "threads": settings.target.threads,
    }
