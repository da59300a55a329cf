"""Blocks written to a terminal, as Markdown and as HTML: a file each."""
