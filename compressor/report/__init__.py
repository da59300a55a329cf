"""What people read: tables at the end of a command, `report.md`, `report.html`, the model card. Knows results alone.

`figures.py` says once how each figure is called, read and written; `content/` builds reports of `blocks/`, which
`printers/` write to a terminal, as Markdown and as HTML.
"""
