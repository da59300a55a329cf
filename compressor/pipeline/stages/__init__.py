"""The stages: thin glue between the store and the rooms that do the work."""

from compressor.pipeline.stages.bundle import Bundle
from compressor.pipeline.stages.differences import Differences
from compressor.pipeline.stages.distill import Distill
from compressor.pipeline.stages.export import Export
from compressor.pipeline.stages.label import Label
from compressor.pipeline.stages.measure import Measure
from compressor.pipeline.stages.prepare import Prepare
from compressor.pipeline.stages.quantize import Quantize
from compressor.pipeline.stages.student import Student
from compressor.pipeline.stages.teach import Teach

__all__ = ["Bundle", "Differences", "Distill", "Export", "Label", "Measure", "Prepare", "Quantize", "Student", "Teach"]
