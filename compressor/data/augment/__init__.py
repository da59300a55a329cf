"""How copies of training texts are changed: one augmentation a file, its options and its code together.

Recipes load these files, so none imports anything heavy before it is built. Augmentations of other packages join by an
entry point: see docs/extending.md.
"""
