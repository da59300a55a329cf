"""An onnxruntime session whose threads and execution provider are what was asked for, or an error."""

from __future__ import annotations

import contextlib
import io
import json
import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from compressor.errors import BundleError, MissingExtra, TargetUnavailable

# onnxruntime's packages report their use over the network unless they are told not to before they are imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__all__ = ["PACKAGES", "PROVIDERS", "Session", "assert_provider", "extensions_library", "open_session"]

PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
}
"""Device -> execution provider."""

PACKAGES = {"cuda": "onnxruntime-gpu", "tensorrt": "onnxruntime-gpu", "openvino": "onnxruntime-openvino"}
"""Device -> the package that has its execution provider; each takes the place of `onnxruntime`."""

_OTHER_GRAPH = "It is damaged, or a graph for something else: get it again."

_FATAL_ONLY = 4
"""Severity of onnxruntime's own log: its errors reach the caller as exceptions."""

_MISMATCH = {
    "cuda": "The GPU, its driver or the CUDA libraries don't match the installed onnxruntime-gpu.",
    "tensorrt": "TensorRT's libraries are not found, or they, the GPU or its driver don't match the installed "
    "onnxruntime-gpu.",
    "openvino": "OpenVINO can't run this model, or can't run it on this CPU.",
}


class Session:
    """A loaded model: takes named inputs, ignores those it doesn't know."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        """onnxruntime's own session, for what this one doesn't offer."""
        self.input_names = tuple(value.name for value in inner.get_inputs())
        self.output_names = tuple(value.name for value in inner.get_outputs())
        self.provider = str(inner.get_providers()[0])

    def feed(self, inputs: Mapping[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
        """The inputs that the model knows.

        Raises:
            BundleError: the model wants an input that isn't given.
        """
        missing = [name for name in self.input_names if name not in inputs]
        if missing:
            raise BundleError(
                f"The model wants the input {', '.join(missing)}; known are {', '.join(inputs)}.", hint=_OTHER_GRAPH
            )
        return {name: inputs[name] for name in self.input_names}

    def run(self, inputs: Mapping[str, npt.NDArray[Any]]) -> list[npt.NDArray[Any]]:
        """Outputs in the order of `output_names`. Inputs are int64 [batch, sequence].

        Raises:
            BundleError: the model wants an input that isn't given, or can't compute these.
        """
        fed = self.feed(inputs)
        try:
            found: list[npt.NDArray[Any]] = [np.asarray(output) for output in self.inner.run(None, fed)]
        except _failures() as error:
            shapes = ", ".join(f"{name} {list(array.shape)}" for name, array in fed.items())
            raise BundleError(f"The model can't compute {shapes}: {_first_line(error)}", hint=_OTHER_GRAPH) from error
        return found

    def run_bound(self, binding: Any) -> None:
        """Compute with inputs and outputs bound to a device, and wait until the outputs are there.

        Raises:
            BundleError: the model can't compute these.
        """
        try:
            self.inner.run_with_iobinding(binding)
            binding.synchronize_outputs()
        except _failures() as error:
            raise BundleError(f"The model can't compute the bound inputs: {_first_line(error)}") from error

    def end_profiling(self) -> Path:
        """Where the profile lies: JSON, one event per executed operator (`cat` is `Node`)."""
        return Path(self.inner.end_profiling())


def open_session(
    model: Path,
    *,
    device: Literal["cpu", "cuda", "tensorrt", "openvino"] | str = "cpu",
    threads: int = 1,
    spinning: bool = False,
    arena: bool = True,
    profile: Path | None = None,
    optimized: Path | None = None,
    extensions: bool = False,
) -> Session:
    """Load an ONNX file.

    Args:
        threads: intra-op threads; operators run one after another.
        spinning: let idle threads spin instead of sleep.
        arena: keep freed memory for the next call.
        profile: start of the name of a file that tells what was executed; `Session.end_profiling` completes it.
        optimized: a file to write the graph to that onnxruntime makes of this one, and runs.
        extensions: know the operators of onnxruntime-extensions.

    Raises:
        TargetUnavailable: the execution provider isn't installed, or it fell back to another, for the whole model or
            for every operator of it.
        BundleError: the file isn't there or can't be loaded.
        MissingExtra: onnxruntime-extensions is asked for and isn't installed.
    """
    import onnxruntime
    from onnxruntime.capi import onnxruntime_pybind11_state as states

    if device not in PROVIDERS:
        raise TargetUnavailable(f"There is no device {device!r}.", hint=f"One of: {', '.join(PROVIDERS)}.")
    provider = PROVIDERS[device]
    if provider not in onnxruntime.get_available_providers():
        raise TargetUnavailable(
            f"The device {device} can't be used: the installed onnxruntime has no {provider}.",
            hint=f"pip uninstall onnxruntime, then pip install {PACKAGES[device]}." if device in PACKAGES else None,
        )
    if not model.is_file():
        raise BundleError(f"The model file {model} is not there.", hint="Copy the bundle again.")
    options = _options(threads=threads, spinning=spinning, arena=arena, profile=profile)
    if optimized is not None:
        options.optimized_model_filepath = str(optimized)
    if extensions:
        options.register_custom_ops_library(extensions_library())
    if device != "cpu":
        options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    if device in ("cuda", "tensorrt"):
        _load_cuda_libraries()
    try:
        # Without this, onnxruntime goes on with another provider where one fails, and prints so on stdout.
        inner = onnxruntime.InferenceSession(
            str(model), options, providers=_providers(device, threads), enable_fallback=0
        )
    except _failures() as error:
        if device != "cpu" and isinstance(error, (ValueError, RuntimeError, states.EPFail)):
            raise TargetUnavailable(f"{provider} can't start: {_first_line(error)}", hint=_MISMATCH[device]) from error
        raise BundleError(
            f"The model file {model} can't be loaded: {_first_line(error)}", hint="It is damaged, or no ONNX model."
        ) from error
    session = Session(inner)
    if session.provider != provider:
        raise TargetUnavailable(
            f"{provider} was asked for and {session.provider} would run.", hint=_MISMATCH.get(device)
        )
    if device != "cpu":
        assert_provider(_assigned(inner), device)
    return session


def extensions_library() -> str:
    """The library of onnxruntime-extensions, whose operators cut texts into tokens.

    Raises:
        MissingExtra: it isn't installed.
    """
    try:
        from onnxruntime_extensions import get_library_path
    except ImportError as error:
        raise MissingExtra("A tokenizer in the graph", "extensions", "onnxruntime-extensions") from error
    return str(get_library_path())


def assert_provider(providers: Mapping[str, int], device: str) -> None:
    """That the device's execution provider has a part in the model: a session may list it first, and still hand every
    operator to the CPU.

    Args:
        providers: execution provider -> operators it is given, or has executed.

    Raises:
        TargetUnavailable: it has no operator.
    """
    wanted = PROVIDERS[device]
    if not providers.get(wanted):
        others = ", ".join(f"{name} {count}" for name, count in providers.items()) or "none"
        raise TargetUnavailable(
            f"{wanted} was asked for and no operator of the model runs on it (operators: {others}).",
            hint=_MISMATCH.get(device),
        )


def _options(*, threads: int, spinning: bool, arena: bool, profile: Path | None) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = arena
    options.log_severity_level = _FATAL_ONLY
    options.add_session_config_entry("session.intra_op.allow_spinning", "1" if spinning else "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    if profile is not None:
        options.enable_profiling = True
        options.profile_file_prefix = str(profile)
    return options


def _providers(device: str, threads: int) -> list[str | tuple[str, dict[str, str]]]:
    """In order of preference. onnxruntime puts the CPU behind them, for operators that none of them has."""
    # fp32 is fp32: onnxruntime would round the factors of matrix products to 10 bits (TF32), PyTorch doesn't.
    cuda = (PROVIDERS["cuda"], {"use_tf32": "0"})
    if device == "cuda":
        return [cuda]
    if device == "tensorrt":
        return [PROVIDERS["tensorrt"], cuda]
    if device == "openvino":
        # It takes its threads from here, not from the session. https://onnxruntime.ai/docs/execution-providers
        # /OpenVINO-ExecutionProvider.html: the option num_of_threads is deprecated in favour of this one.
        properties = {"CPU": {"INFERENCE_NUM_THREADS": str(threads)}}
        return [(PROVIDERS["openvino"], {"device_type": "CPU", "load_config": json.dumps(properties)})]
    return [PROVIDERS["cpu"]]


def _assigned(inner: Any) -> dict[str, int]:
    """Execution provider -> operators of the model it is given."""
    found: Counter[str] = Counter()
    for part in inner.get_provider_graph_assignment_info():
        found[part.ep_name] += len(part.get_nodes())
    return dict(found)


def _load_cuda_libraries() -> None:
    """CUDA and cuDNN as pip packages lie where the system doesn't look. What it can't find it prints on stdout, where
    results go; the session will say so."""
    import onnxruntime

    with contextlib.redirect_stdout(io.StringIO()):
        onnxruntime.preload_dlls()


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
