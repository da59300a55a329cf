"""How a student is made of a larger model before it is trained: one builder a file, its options and what it does.

Recipes load these files, so none imports torch before it builds. Builders of other packages join by an entry point:
see docs/extending.md.
"""
