"""Where a model may live, and which variants fit there: one platform a file, its options and its reasons together.

Recipes load these files. Platforms of other packages join by an entry point: see docs/extending.md.
"""
