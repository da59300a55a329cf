"""Where a bundle comes from, what is in it, and that nobody changed it: statement, SBOM, signature.

The base install is all that reading takes; signatures take the extra `sign`.
"""

from compressor.provenance.sbom import make_sbom
from compressor.provenance.signature import check_signature, check_signed, sign
from compressor.provenance.statement import PROVENANCE, Build, Dependency, StageRun, read_statement, write_statement

__all__ = [
    "PROVENANCE",
    "Build",
    "Dependency",
    "StageRun",
    "check_signature",
    "check_signed",
    "make_sbom",
    "read_statement",
    "sign",
    "write_statement",
]
