"""The graph as ONNX Runtime runs it, in its own file format, for builds that have only the operators a model needs."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from compressor.deploy.quiet import quiet
from compressor.errors import StageError

__all__ = ["convert", "files_of"]

_CONFIG = ".required_operators.config"


def files_of(model: str) -> tuple[str, str]:
    """Names of what `convert` writes for `onnx/model.onnx`: `onnx/model.ort` and the list of operators beside it."""
    stem = model.removesuffix(".onnx")
    return f"{stem}.ort", f"{stem}{_CONFIG}"


def convert(model: Path) -> None:
    """Write an ONNX file in ONNX Runtime's own format beside it, and the operators that are in it.

    All optimizations are done and saved, but for those that change the layout for one kind of processor. The list is
    what onnxruntime's `build.sh --include_ops_by_config` reads.

    Raises:
        StageError: onnxruntime can't convert it.
    """
    from onnxruntime.tools.convert_onnx_models_to_ort import OptimizationStyle, convert_onnx_models_to_ort

    # In a folder of its own: the converter takes all models that lie beside each other, and writes where it reads.
    with tempfile.TemporaryDirectory(prefix="compressor-") as scratch:
        copy = Path(scratch) / model.name
        shutil.copyfile(model, copy)
        try:
            with quiet():
                convert_onnx_models_to_ort(copy, optimization_styles=[OptimizationStyle.Fixed], target_platform="arm")
        except _failures() as error:
            raise StageError(
                f"{model.name} can't be written as .ort: {str(error).splitlines()[0]}",
                hint="Take `ort_format` out of the variant.",
            ) from error
        file, config = files_of(model.name)
        shutil.copyfile(copy.with_name(file), model.with_name(file))
        operators = copy.with_name(config).read_text(encoding="utf-8")
        # The converter names the file with its folder.
        model.with_name(config).write_text(operators.replace(str(copy.with_name(file)), file), encoding="utf-8")


def _failures() -> tuple[type[Exception], ...]:
    """What the converter raises; onnxruntime's exceptions have no base class of their own."""
    from onnxruntime.capi import onnxruntime_pybind11_state as states

    return (
        OSError,
        ValueError,
        RuntimeError,
        states.Fail,
        states.InvalidGraph,
        states.InvalidProtobuf,
        states.NotImplemented,
    )
