"""Thousands of spoilt recipes, data files, bundles and checkpoints through the command line.

Each case is made of its kind and its seed alone, so that one that fails can be made again: what fails says how.
"""
