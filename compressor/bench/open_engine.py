"""From a subject and where it is to run, to the engine that runs it."""

from __future__ import annotations

from compressor.bench.engine import Engine
from compressor.bench.io_binding import IoBindingEngine
from compressor.bench.onnx_engine import OnnxEngine
from compressor.bench.placement import Placement, apply_affinity
from compressor.bench.subject import Subject

__all__ = ["open_engine"]


def open_engine(subject: Subject, placement: Placement) -> Engine:
    """Pin the process where the placement says so, and load the subject. torch is imported for a torch subject only.

    Raises:
        TargetUnavailable: the device or the CPUs can't be used, or others would have been used silently.
        BundleError: the model can't be loaded.
    """
    # Before the session: its threads inherit the CPUs.
    if placement.affinity:
        apply_affinity(placement.affinity)
    if subject.engine == "torch":
        from compressor.bench.torch_engine import TorchEngine

        return TorchEngine(subject, placement)
    if placement.io_binding:
        return IoBindingEngine(subject, placement, device=placement.device)
    return OnnxEngine(subject, placement)
