"""Keeps torch quick and its sums alike on a machine with few cores, some of them busy with something else."""

from __future__ import annotations

import ctypes
from typing import Final

import torch

TRIM_THRESHOLD: Final = -1
MMAP_MAX: Final = -4
"""Names of glibc's malloc.h, for mallopt(3)."""


def steady() -> None:
    """One thread, and no memory handed back between steps.

    The models here are so small that threads wait for each other longer than they work: with another program on one of
    two cores, a training step took 0.56 s on two threads and 0.15 s on one. It also adds up numbers in one order, so
    that any machine makes the same weights. Every step frees and asks for the same tens of megabytes; glibc would give
    them back to the system each time, and not doing so took another quarter off. Other C libraries have no mallopt.
    """
    torch.set_num_threads(1)
    options = getattr(ctypes.CDLL(None), "mallopt", None)
    if options is not None:
        options(MMAP_MAX, 0)
        options(TRIM_THRESHOLD, 2**31 - 1)
