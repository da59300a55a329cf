"""The stages: thin glue between the store and the rooms that do the work."""

from compressor.chain.stages.answers import Answers
from compressor.chain.stages.ask import Ask
from compressor.chain.stages.audit import AuditModel
from compressor.chain.stages.augment import Augment
from compressor.chain.stages.balance import Balance
from compressor.chain.stages.bundle import Bundle
from compressor.chain.stages.cascade import Cascade
from compressor.chain.stages.columns import Columns
from compressor.chain.stages.differences import Differences
from compressor.chain.stages.distill import Distill
from compressor.chain.stages.ensemble import Ensemble
from compressor.chain.stages.evaluate import Evaluate
from compressor.chain.stages.export import Export
from compressor.chain.stages.generate import Generate
from compressor.chain.stages.label import Label
from compressor.chain.stages.measure import Measure
from compressor.chain.stages.optimize import Optimize
from compressor.chain.stages.prepare import Prepare
from compressor.chain.stages.quantize import Quantize
from compressor.chain.stages.select import Select
from compressor.chain.stages.student import Student
from compressor.chain.stages.teach import Teach
from compressor.chain.stages.unlabelled import Unlabelled
from compressor.chain.stages.unsure import ChooseUnsure
from compressor.chain.stages.writer import Writer

__all__ = [
    "Answers",
    "Ask",
    "AuditModel",
    "Augment",
    "Balance",
    "Bundle",
    "Cascade",
    "ChooseUnsure",
    "Columns",
    "Differences",
    "Distill",
    "Ensemble",
    "Evaluate",
    "Export",
    "Generate",
    "Label",
    "Measure",
    "Optimize",
    "Prepare",
    "Quantize",
    "Select",
    "Student",
    "Teach",
    "Unlabelled",
    "Writer",
]
