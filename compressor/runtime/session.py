"""An onnxruntime session whose threads and execution provider are what was asked for, or an error."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from compressor.errors import BundleError, TargetUnavailable

__all__ = ["PROVIDERS", "Session", "open_session"]

PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
"""Device -> execution provider."""

_FATAL_ONLY = 4
"""Severity of onnxruntime's own log: its errors reach the caller as exceptions."""

_MISMATCH = "The GPU, its driver or the CUDA libraries don't match the installed onnxruntime-gpu."


class Session:
    """A loaded model: takes named inputs, ignores those it doesn't know."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.input_names = tuple(value.name for value in inner.get_inputs())
        self.output_names = tuple(value.name for value in inner.get_outputs())
        self.provider = str(inner.get_providers()[0])

    def run(self, inputs: Mapping[str, npt.NDArray[Any]]) -> list[npt.NDArray[Any]]:
        """Outputs in the order of `output_names`. Inputs are int64 [batch, sequence].

        Raises:
            BundleError: the model wants an input that isn't given, or can't compute these.
        """
        missing = [name for name in self.input_names if name not in inputs]
        if missing:
            raise BundleError(f"The model wants the input {', '.join(missing)}; known are {', '.join(inputs)}.")
        fed = {name: inputs[name] for name in self.input_names}
        try:
            found: list[npt.NDArray[Any]] = [np.asarray(output) for output in self._inner.run(None, fed)]
        except _failures() as error:
            shapes = ", ".join(f"{name} {list(array.shape)}" for name, array in fed.items())
            raise BundleError(f"The model can't compute {shapes}: {_first_line(error)}") from error
        return found


def open_session(
    model: Path, *, device: Literal["cpu", "cuda"] | str = "cpu", threads: int = 1, spinning: bool = False
) -> Session:
    """Load an ONNX file.

    Args:
        threads: intra-op threads; operators run one after another.
        spinning: let idle threads spin instead of sleep.

    Raises:
        TargetUnavailable: the execution provider isn't installed, or it fell back to another.
        BundleError: the file isn't there or can't be loaded.
    """
    import onnxruntime
    from onnxruntime.capi import onnxruntime_pybind11_state as states

    if device not in PROVIDERS:
        raise TargetUnavailable(f"There is no device {device!r}.", hint=f"One of: {', '.join(PROVIDERS)}.")
    provider = PROVIDERS[device]
    if provider not in onnxruntime.get_available_providers():
        raise TargetUnavailable(
            f"The device {device} can't be used: the installed onnxruntime has no {provider}.",
            hint="For CUDA: pip uninstall onnxruntime, then pip install onnxruntime-gpu.",
        )
    if not model.is_file():
        raise BundleError(f"The model file {model} is not there.")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _FATAL_ONLY
    options.add_session_config_entry("session.intra_op.allow_spinning", "1" if spinning else "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    try:
        # Without this, onnxruntime goes on with another provider where one fails, and prints so on stdout.
        inner = onnxruntime.InferenceSession(str(model), options, providers=[provider], enable_fallback=0)
    except _failures() as error:
        if device != "cpu" and isinstance(error, (ValueError, RuntimeError, states.EPFail)):
            raise TargetUnavailable(f"{provider} can't start: {_first_line(error)}", hint=_MISMATCH) from error
        raise BundleError(
            f"The model file {model} can't be loaded: {_first_line(error)}", hint="It is damaged, or no ONNX model."
        ) from error
    session = Session(inner)
    if session.provider != provider:
        raise TargetUnavailable(f"{provider} was asked for and {session.provider} would run.", hint=_MISMATCH)
    return session


def _failures() -> tuple[type[Exception], ...]:
    """What onnxruntime raises for a model it can't load or compute; the exceptions share no base class."""
    from onnxruntime.capi import onnxruntime_pybind11_state as states

    return (
        ValueError,
        RuntimeError,
        states.EPFail,
        states.Fail,
        states.InvalidArgument,
        states.InvalidGraph,
        states.InvalidProtobuf,
        states.NoModel,
        states.NoSuchFile,
        states.NotImplemented,
        states.RuntimeException,
    )


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
