"""A measuring process ends with the program that started it, also where that is killed."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

__all__ = ["PARENT", "end_with_parent"]

PARENT = "COMPRESSOR_PARENT_PID"
"""Environment variable with the process that started this one."""
_PR_SET_PDEATHSIG = 1


def end_with_parent() -> None:
    """Have the kernel kill this process when its parent dies (Linux, see prctl(2)); elsewhere nothing is done.

    Called by the child itself: a hook between fork and exec isn't safe where the parent has threads.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # The parent may have died before the kernel was asked.
    if os.environ.get(PARENT) not in (None, str(os.getppid())):
        os.kill(os.getpid(), signal.SIGKILL)
