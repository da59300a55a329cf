"""A module in a process that ends with the one that started it: `python -m compressor.child MODULE ARGUMENTS`."""

from __future__ import annotations

import ctypes
import os
import runpy
import signal
import sys

__all__ = ["ENDS_WITH_PARENT", "PARENT", "end_with_parent"]

ENDS_WITH_PARENT = ("-m", "compressor.child")
"""What `python -P` is given in front of a module and its arguments."""

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


if __name__ == "__main__":
    end_with_parent()
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        # It has nothing to tidy up, and its traceback would stand among the last words that its parent tells.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    # As `python -m MODULE` would have it.
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
