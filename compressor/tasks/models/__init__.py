"""Checkpoints of transformers: loading, heads, batches."""
