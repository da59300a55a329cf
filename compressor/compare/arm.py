"""The arms of a comparison: what is timed, in blocks. They run inside a unit's process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from compressor.bench.process import died
from compressor.compare import arm_server
from compressor.compare.arm_server import resolve, timed_block
from compressor.errors import WorkerError

__all__ = ["Arm", "ArmSpec", "CallSpec", "ModelSpec", "RevisionSpec", "open_arm", "spec_from_json"]


class Arm(Protocol):
    """Something that can be timed."""

    def block(self, calls: int, repeats: int) -> list[float]:
        """Times of `calls` samples in ms a call."""

    def close(self) -> None:
        """Let go of what it holds."""


@dataclass(frozen=True)
class ModelSpec:
    """An ONNX file, its inputs ready: token ids [batch, sequence], one array after the other."""

    model: str
    inputs: str
    """An npz file with the arrays 0, 1, ..."""
    device: str = "cpu"
    threads: int = 1
    slow_down: float = 0.0
    """Share by which every call is slowed, to test the comparison itself."""
    kind: str = "model"


@dataclass(frozen=True)
class CallSpec:
    """Anything that can be called: `call` is a factory, `module:function`, found with `path` in front of sys.path."""

    call: str
    path: str
    slow_down: float = 0.0
    """Share by which every call is slowed, to test the comparison itself."""
    kind: str = "call"


@dataclass(frozen=True)
class RevisionSpec:
    """The code of a git revision: a factory `module:function`, or `predict` with a bundle."""

    revision: str
    """Its name, for messages."""
    root: str
    """Where its files are."""
    call: str | None = None
    predict: dict[str, Any] = field(default_factory=dict)
    """Arguments of `arm_server.predictor`."""
    kind: str = "revision"


ArmSpec = ModelSpec | CallSpec | RevisionSpec

_SPECS: dict[str, type[ArmSpec]] = {"model": ModelSpec, "call": CallSpec, "revision": RevisionSpec}


def spec_from_json(data: dict[str, Any]) -> ArmSpec:
    """The inverse of `dataclasses.asdict`."""
    return _SPECS[data["kind"]](**data)


def open_arm(spec: ArmSpec) -> Arm:
    """Load what is to be timed.

    Raises:
        CompressorError: it can't be loaded.
    """
    if isinstance(spec, RevisionSpec):
        return _Remote(spec)
    call = _model(spec) if isinstance(spec, ModelSpec) else _call(spec)
    return _Local(_slowed(call, spec.slow_down) if spec.slow_down else call)


@dataclass
class _Local:
    """A callable in this process."""

    call: arm_server.Call

    def block(self, calls: int, repeats: int) -> list[float]:
        return timed_block(self.call, calls, repeats)

    def close(self) -> None:
        """Nothing to let go of."""


def _slowed(call: arm_server.Call, share: float) -> arm_server.Call:
    """The same call and a busy wait: a share of the call itself, so that it is that share on any machine."""

    def slower() -> object:
        begin = time.perf_counter()
        answer = call()
        end = begin + (1 + share) * (time.perf_counter() - begin)
        while time.perf_counter() < end:
            pass
        return answer

    return slower


def _model(spec: ModelSpec) -> arm_server.Call:
    from compressor.runtime.session import open_session

    session = open_session(Path(spec.model), device=spec.device, threads=spec.threads)
    with np.load(spec.inputs) as stored:
        fed = [_named(stored[str(index)]) for index in range(len(stored.files))]
    following = cycle(fed)
    return lambda: session.run(next(following))


def _named(ids: Any) -> dict[str, Any]:
    """What the encoders ask for, without padding."""
    return {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}


def _call(spec: CallSpec) -> arm_server.Call:
    if spec.path not in sys.path:
        sys.path.insert(0, spec.path)
    try:
        return resolve(spec.call)
    except ImportError as error:
        raise WorkerError(f"{spec.call} can't be had: {error}") from error


class _Remote:
    """The arm server, with the revision's code in front of all other."""

    def __init__(self, spec: RevisionSpec) -> None:
        self._spec = spec
        root = Path(spec.root)
        self._process = subprocess.Popen(
            [sys.executable, "-P", arm_server.__file__],
            # Packages lie at the root or in src. Whatever else was on the path could stand in for what it lacks.
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(root / "src"), str(root)])},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._send({"root": spec.root, "call": spec.call, "predict": spec.predict})

    def block(self, calls: int, repeats: int) -> list[float]:
        self._send({"calls": calls, "repeats": repeats})
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise self._died()
        taken: list[float] = json.loads(line)
        return taken

    def close(self) -> None:
        """It ends with its input."""
        self._process.communicate()

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(message) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise self._died() from error

    def _died(self) -> WorkerError:
        ended = subprocess.CompletedProcess([], self._process.wait(), stderr="")  # it has said its words to our stderr
        return died(f"running the code of {self._spec.revision}", ended)
