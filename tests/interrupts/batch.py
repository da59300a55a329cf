"""Runs that are interrupted at many moments, and what came of it.

`python -m tests.interrupts.batch SIGNAL FOLDER FIRST END [finish]` takes the moments from FIRST to before END, and
tells each in a line.
"""

from __future__ import annotations

import json
import shutil
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from compressor.interruption import INTERRUPTED, SIGNALS
from tests.command import Result
from tests.interrupts.moments import Moment, Receiver, Scene, moment
from tests.interrupts.scenes import Place, Reference, compared, prepare

__all__ = ["Batch", "faults_of", "run_batch"]

STAGE_FAILED = 4
_PYTHON_FAILED = 1
"""What Python ends with where ctrl-C meets its own start, with a traceback."""
_TRACES = ("Traceback", "Exception ignored", "Fatal Python error", "Error in sys.", "KeyboardInterrupt")
_PATIENCE_S = {signal.SIGKILL: 10.0}
"""What a killed command started may take so long to notice; after any other signal, it is over with the command."""


@dataclass
class Batch:
    """What came of the moments of one signal."""

    signal: signal.Signals
    moments: int = 0
    codes: Counter[str] = field(default_factory=Counter)
    """Exit codes; those of Python's own start, in which no handler of ours is set, apart."""
    runs: int = 0
    """That were left alone afterwards, and compared."""
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        codes = ", ".join(f"{code}: {count}" for code, count in sorted(self.codes.items()))
        return f"{self.signal.name}: {self.moments} moments, {self.runs} runs compared, exit codes {codes}"

    def check(self) -> None:
        """Assert that nothing went wrong."""
        assert not self.faults, "\n\n".join([str(self), *self.faults[:20]])


def run_batch(
    sent: signal.Signals,
    reference: Reference,
    folder: Path,
    moments: Iterable[int],
    *,
    finish: bool = True,
    tell: Callable[[str], None] = lambda line: None,
) -> Batch:
    """Interrupt runs at these moments. Those of one scene go on with one store until a run gets through, also in later
    batches; with `finish`, every run is let through at the end. What gets through is compared."""
    found = Batch(sent)
    places = {scene: Place(folder / f"{sent.name}-{scene}", reference) for scene in Scene}
    for number in moments:
        drawn = moment(sent, number)
        place = places[drawn.scene]
        if not place.folder.exists():
            place.lay(drawn.scene)
        code, faults, said = _interrupt(drawn, place)
        found.moments += 1
        found.codes[code] += 1
        if code == "0":
            faults += _finished(place, reference)
            found.runs += 1
        _note(found, str(drawn), code, faults, said, tell)
    for scene, place in places.items():
        if finish and place.folder.exists():
            ended = place.start().ended()
            faults = [f"ends with exit code {ended.code}"] if ended.code else _finished(place, reference)
            found.runs += 1
            _note(found, f"{sent.name}, the last run of {scene}", str(ended.code), faults, ended.err, tell)
    return found


def _note(found: Batch, what: str, code: str, faults: list[str], said: str, tell: Callable[[str], None]) -> None:
    tell(
        json.dumps(
            {"what": what, "code": code, "faults": faults, "said": said if faults else said.split("\n", maxsplit=1)[0]}
        )
    )
    if faults:
        found.faults.append("\n".join([f"{what}: exit code {code}", *(f"  FAULT: {fault}" for fault in faults), said]))


def _interrupt(drawn: Moment, place: Place) -> tuple[str, list[str], str]:
    """The exit code and how it came to it, what is wrong, and what was said."""
    whole = place.reference.spans["child" if drawn.child else drawn.scene]
    before = place.status()
    running = place.start()
    pid = running.await_processor_time(drawn.share * whole, drawn.child)
    ready = running.is_ready()
    if pid is not None:
        pid = pid if drawn.receiver is Receiver.CHILD else running.process.pid
        running.send(drawn.signal, pid, group=drawn.receiver is Receiver.GROUP)
    ended = running.ended()
    strays = running.left(_PATIENCE_S.get(drawn.signal, 1.0))
    after = place.status()
    faults = [f"still there: {stray}" for stray in strays]
    faults += faults_of(ended, drawn, ready=ready)
    faults += [f"finished, and is not: {said}" for said in place.half_made()]
    if ended.code == INTERRUPTED and after != before and after["status"] not in ("interrupted", "finished"):
        faults.append(f"run.json says {after['status']}")
    if drawn.signal is not signal.SIGKILL and ready:
        faults += [f"left: {name}" for name in place.temporary()]
    if (place.folder / "run" / "last-finished").exists():
        faults.append("it took the bundle of the earlier run away")
    at = f" after {running.processor_s:.3f} s" + (f", {running.child_s:.3f} s of the child" if drawn.child else "")
    how = "" if ready else ", in Python's start"
    return f"{ended.code}{how}", faults, f"{at}\n{ended.err}"


def faults_of(ended: Result, drawn: Moment, *, ready: bool) -> Iterator[str]:
    """What is wrong with how a command ended. Where it wasn't `ready`, Python alone answered the signal."""
    allowed = {0, -signal.SIGKILL if drawn.signal is signal.SIGKILL else INTERRUPTED}
    if drawn.receiver is Receiver.CHILD:
        allowed = {0, STAGE_FAILED}
    if not ready:
        allowed |= {-drawn.signal, _PYTHON_FAILED}
    if ended.code not in allowed:
        yield f"ends with exit code {ended.code}"
    if (ready or drawn.signal is not signal.SIGINT) and (found := [words for words in _TRACES if words in ended.err]):
        yield f"says {found}"
    if ended.code > 0 and ended.out and not _is_json(ended.out):
        yield f"puts on stdout {ended.out[:100]!r}"
    if ended.code == INTERRUPTED and "Interrupted." not in ended.err:
        yield "doesn't say that it was interrupted"


def _is_json(text: str) -> bool:
    """Whether it is whole: then the signal came after the result."""
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _finished(place: Place, reference: Reference) -> list[str]:
    """What is wrong with a place whose run got through. It is removed where nothing is."""
    faults = [*place.half_made(), *place.left(), *compared(place.result(), reference.result)]
    if (said := place.status().get("status")) != "finished":
        faults.append(f"run.json says {said}")
    if not faults:
        shutil.rmtree(place.folder)
    return faults


if __name__ == "__main__":
    # A shell has what it starts in the background ignore ctrl-C, and so would every command that is started here.
    for ignored in SIGNALS:
        signal.signal(ignored, signal.SIG_DFL)
    batch = run_batch(
        signal.Signals[sys.argv[1]],
        prepare(Path(sys.argv[2])),
        Path(sys.argv[2]),
        range(int(sys.argv[3]), int(sys.argv[4])),
        finish="finish" in sys.argv[5:],
        tell=lambda line: print(line, flush=True),  # noqa: T201
    )
    print(batch)  # noqa: T201
    sys.exit(bool(batch.faults))
