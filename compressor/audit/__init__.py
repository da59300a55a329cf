"""What a finished model does to people, to secrets and under pressure: a page of evaluations, without a recipe."""

from compressor.audit.command import Asked, audit

__all__ = ["Asked", "audit"]
