from __future__ import annotations

import os
from pathlib import Path

import pytest

from compressor.bench import host

RASPBERRY = """processor\t: 0
BogoMIPS\t: 108.00
Features\t: fp asimd evtstrm aes crc32 asimdhp asimddp
CPU implementer\t: 0x41
CPU part\t: 0xd0b
"""


def cpuinfo(path: Path, ids: list[tuple[int, int]], flags: str) -> Path:
    """As an x86 kernel writes it: a block for each hyper-thread, with (socket, core)."""
    blocks = [
        f"processor\t: {number}\nmodel name\t: A CPU\nphysical id\t: {socket}\ncore id\t: {core}\nflags\t: {flags}"
        for number, (socket, core) in enumerate(ids)
    ]
    path.write_text("\n\n".join(blocks) + "\n\n", encoding="utf-8")
    return path


def group(root: Path, path: str, *, cpu: str | None = None, memory: str | None = None) -> None:
    folder = root / path
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (("cpu.max", cpu), ("memory.max", memory)):
        if text:
            (folder / name).write_text(text + "\n", encoding="ascii")


def test_an_arm_board_is_told_by_its_name_and_parts(tmp_path: Path) -> None:
    board = tmp_path / "model"
    (tmp_path / "cpuinfo").write_text(RASPBERRY, encoding="utf-8")
    board.write_text("Raspberry Pi 4 Model B\0", encoding="utf-8")

    assert host.cpu(tmp_path / "cpuinfo", board) == host.Cpu(
        "Raspberry Pi 4 Model B 0x41 0xd0b", ("asimdhp", "asimddp"), physical_cores=None, virtual=False
    )


def test_hyper_threads_share_a_core_and_sockets_do_not(tmp_path: Path) -> None:
    ids = [(0, 0), (0, 1), (1, 0), (1, 1), (0, 0), (0, 1), (1, 0), (1, 1)]
    found = host.cpu(cpuinfo(tmp_path / "two-sockets", ids, "avx2 sse2"), tmp_path)

    assert found == host.Cpu("A CPU", ("avx2",), physical_cores=4, virtual=False)


def test_a_virtual_machine_is_told_by_its_hypervisor(tmp_path: Path) -> None:
    assert host.cpu(cpuinfo(tmp_path / "guest", [(0, 0)], "avx2 hypervisor"), tmp_path).virtual


def test_the_tightest_limit_of_a_container_holds(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.write_text("9:name=systemd:/elsewhere\n0::/pod/box\n", encoding="ascii")
    root = tmp_path / "cgroup"
    group(root, "pod", cpu="150000 100000", memory="max")
    group(root, "pod/box", cpu="max 100000", memory="2000000000")

    assert host.cpu_limit(root, own) == 1.5
    assert host.memory_limit_gb(root, own) == 2.0


def test_inside_a_container_its_own_group_is_the_root(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.write_text("0::/\n", encoding="ascii")
    group(tmp_path / "cgroup", "", cpu="50000 100000")

    assert host.cpu_limit(tmp_path / "cgroup", own) == 0.5
    assert host.memory_limit_gb(tmp_path / "cgroup", own) is None


def test_without_limits_there_is_none(tmp_path: Path) -> None:
    assert host.cpu_limit(tmp_path, tmp_path / "none") is None


def test_governors_that_differ_are_all_named(tmp_path: Path) -> None:
    for number, name in enumerate(["powersave", "performance", "performance"]):
        folder = tmp_path / f"cpu{number}" / "cpufreq"
        folder.mkdir(parents=True)
        (folder / "scaling_governor").write_text(name + "\n", encoding="ascii")

    assert host.governor(tmp_path) == "performance, powersave"
    assert host.governor(tmp_path / "cpu0") is None


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system can't pin a process to CPUs")
def test_allowed_are_the_cpus_of_the_process() -> None:
    assert host.allowed_cpus() == sorted(os.sched_getaffinity(0))
