"""Several processes of one command, as `torchrun` and `accelerate launch` start them: which this one is, and how they
agree while they work together on a stage.

Everywhere else, and in a plain run, there is one process: `size()` is 1, and what is asked to be led is just done.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ParamSpec, TypeVar

from compressor.errors import RecipeError, StageError, TargetUnavailable

__all__ = [
    "LONGEST_WAIT",
    "Place",
    "connect",
    "first",
    "gather",
    "is_lost",
    "lead",
    "rank",
    "size",
    "together",
    "total",
]

P = ParamSpec("P")
T = TypeVar("T")

LONGEST_WAIT = timedelta(days=7)
"""How long a process waits for another. One that died is told by its connection, or by the launcher; a stage may take
days."""
_GATHERING = timedelta(minutes=10)
_VARIABLES = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")
_LOST = ("Connection closed by peer", "Connection reset by peer", "Connection refused", "Broken pipe")
"""What gloo and the store say where another process is gone."""


@dataclass(frozen=True)
class Place:
    """Which of the processes this one is."""

    rank: int
    """0, 1 ...; the first leads."""
    size: int
    """How many there are."""
    local_rank: int
    """Which it is on its machine: the number of its GPU."""

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Place | None:
        """The place that a launcher gave this process; None where none did.

        Raises:
            RecipeError: the variables are incomplete, or make no sense.
        """
        if not environment.get("RANK") and not environment.get("WORLD_SIZE"):
            return None
        if missing := [name for name in _VARIABLES if not environment.get(name)]:
            raise _odd(f"lacks {' and '.join(missing)}")
        numbers = {name: environment[name] for name in _VARIABLES if name != "MASTER_ADDR"}
        for name, value in numbers.items():
            if not value.isascii() or not value.isdigit():
                raise _odd(f"its {name} is {value!r}, no number")
        place = cls(*(int(numbers[name]) for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK")))
        if place.rank >= place.size:
            raise _odd(f"its RANK is {place.rank}, where the last of {place.size} has {place.size - 1}")
        return place


def _odd(message: str) -> RecipeError:
    return RecipeError(
        f"The environment says that this is one of several processes, and {message}.",
        hint=f"Start them with torchrun, which sets {', '.join(_VARIABLES)}; or unset RANK and WORLD_SIZE.",
    )


def connect(place: Place) -> Any:
    """The store of keys and values (`torch.distributed.Store`) by which the processes find each other.

    Raises:
        TargetUnavailable: there are more processes on this machine than GPUs.
        StageError: the others can't be reached.
    """
    import torch
    import torch.distributed as dist

    if torch.cuda.is_available():
        if place.local_rank >= torch.cuda.device_count():
            raise TargetUnavailable(
                f"Process {place.local_rank + 1} on this machine has no GPU of its own: there are "
                f"{torch.cuda.device_count()}.",
                hint="Start one process for each GPU, or set CUDA_VISIBLE_DEVICES= to compute on the CPU.",
            )
        torch.cuda.set_device(place.local_rank)
    try:
        store, _, _ = next(dist.rendezvous("env://", place.rank, place.size, timeout=_GATHERING))  # type: ignore[attr-defined]
    except (RuntimeError, ValueError) as error:
        raise StageError(
            f"Process {place.rank} of {place.size} can't reach the others: {error}",
            hint="Look at MASTER_ADDR and MASTER_PORT, and whether every process was started.",
        ) from error
    return dist.PrefixStore("compressor", store)  # type: ignore[attr-defined]


@contextmanager
def together(store: Any, place: Place, name: str) -> Iterator[None]:
    """In here the processes work as one group, in which they can agree; each must come in, under the same name.

    One that leaves early, by an error, closes its connections: what the others wait for then fails in them too.
    """
    import torch
    import torch.distributed as dist

    hook = sys.excepthook  # torch puts one of its own before it
    dist.init_process_group(
        "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo",
        store=dist.PrefixStore(name, store),  # type: ignore[attr-defined]
        rank=place.rank,
        world_size=place.size,
        timeout=LONGEST_WAIT,
    )
    try:
        yield
    finally:
        dist.destroy_process_group()
        sys.excepthook = hook


def is_lost(error: BaseException) -> bool:
    """Whether an error says that another process is gone."""
    import torch.distributed as dist

    return isinstance(error, dist.DistError) or (
        isinstance(error, RuntimeError) and any(words in str(error) for words in _LOST)
    )


def _group() -> Any:
    """`torch.distributed`, where processes work together."""
    import torch.distributed as dist

    return dist if dist.is_available() and dist.is_initialized() else None


def rank() -> int:
    """Which process of the group this is; the first, 0, leads."""
    group = _group()
    return int(group.get_rank()) if group else 0


def size() -> int:
    """How many processes work together."""
    group = _group()
    return int(group.get_world_size()) if group else 1


def lead(work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Have the first process do it, when all have come this far; what it returns is what all get.

    Raises:
        StageError: in the others, where it failed. In the first, whatever it raises.
    """
    group = _group()
    if group is None:
        return work(*arguments, **named)
    group.gather_object(None, [None] * size() if rank() == 0 else None)  # all have come this far
    said: list[Any] = [None]
    if rank() == 0:
        try:
            said = [(True, work(*arguments, **named))]
        except BaseException:
            with suppress(RuntimeError):  # the others may be gone
                group.broadcast_object_list([(False, None)])
            raise
    group.broadcast_object_list(said)
    done, found = said[0]
    if not done:
        raise StageError("The first process failed.")
    result: T = found
    return result


def first(work: Callable[[], T]) -> T:
    """Have the first process do it before the others do: they find the files that it left."""
    found: list[T] = []
    lead(lambda: found.append(work()))
    return found[0] if found else work()


def gather(value: T) -> list[T]:
    """The values of all processes, by rank: in the first. The others get none."""
    group = _group()
    if group is None:
        return [value]
    found: list[Any] = [None] * size() if rank() == 0 else []
    group.gather_object(value, found if rank() == 0 else None)
    return found


def total(values: Sequence[float]) -> list[float]:
    """Sums over all processes, for all of them; NaN where one of them is."""
    group = _group()
    if group is None:
        return list(values)
    import torch

    summed = torch.tensor(values, dtype=torch.float64)
    group.all_reduce(summed)
    found: list[float] = summed.tolist()
    return found
