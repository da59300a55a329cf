"""Tell whether B is worse than A, on a machine that does other things too."""
