"""Benchmarks. A package, so that `benchmarks` is this folder where another one is installed (opacus brings one)."""
