"""Memory that is kept between the steps of a training on a CPU."""

from __future__ import annotations

import ctypes
import platform
import resource
from collections.abc import Iterator
from typing import NoReturn

import pytest
import torch

from compressor.distill.freed_memory import freed_memory_kept
from compressor.memory import read_resident

PAGES = 16_384
"""Of a tensor of 64 MiB, in pages of 4 KiB."""

glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library than glibc")


@pytest.fixture(autouse=True)
def _unset(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("GLIBC_TUNABLES", raising=False)
    yield


def faults_of_tensors(count: int) -> int:
    """Pages that the kernel maps while so many tensors of 64 MiB are made, one after another."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(count):
        torch.zeros(16 * 1024 * 1024)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


@glibc
def test_a_tensor_reuses_the_memory_of_the_ones_before() -> None:
    with freed_memory_kept():
        # A scrap beside an aligned tensor stays in the C library's cache of seven small pieces: the tensor's place is
        # then too small for the next one, so that seven may take places of their own before places are reused.
        faults_of_tensors(10)
        assert faults_of_tensors(10) < PAGES  # ten times as many where each is mapped anew


@glibc
def test_afterwards_the_system_has_its_memory_back() -> None:
    before = read_resident().now_mb
    with freed_memory_kept():
        torch.zeros(64 * 1024 * 1024)
        during = read_resident().now_mb
    after = read_resident().now_mb
    assert before is not None
    assert during is not None
    assert after is not None
    assert during > before + 200
    assert after < before + 30


@pytest.mark.parametrize("name", ["GLIBC_TUNABLES", "MALLOC_TRIM_THRESHOLD_"])
def test_an_allocator_that_the_environment_sets_is_left_alone(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    def forbidden(_: None) -> NoReturn:
        raise AssertionError("the C library was asked for")

    monkeypatch.setenv(name, "1")
    monkeypatch.setattr(ctypes, "CDLL", forbidden)
    with freed_memory_kept():
        pass
