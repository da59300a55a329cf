"""Measure honestly: fresh processes, explicit threads, percentiles only where the sample supports them."""

from compressor.bench.accuracy import score_accuracy
from compressor.bench.environment import environment, host_fingerprint
from compressor.bench.gates import evaluate_gates
from compressor.bench.measure import measure
from compressor.bench.subject import Subject, subjects_from
from compressor.bench.target import target_reason

__all__ = [
    "Subject",
    "environment",
    "evaluate_gates",
    "host_fingerprint",
    "measure",
    "score_accuracy",
    "subjects_from",
    "target_reason",
]
