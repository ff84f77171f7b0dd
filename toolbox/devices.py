"""Which devices numerical work may use: the processor alone, or CUDA devices, too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from metadata.errors import InputError

DEVICES = ("any", "cpu", "gpu")

_allowed: ContextVar[str] = ContextVar("device", default="any")


@contextmanager
def devices_allowed(device: str) -> Iterator[None]:
    """While inside, and on this thread, work uses ``cpu`` only, or CUDA devices where there are
    some (``any``); ``gpu`` raises InputError where there are none.

    >>> with devices_allowed("cpu"):
    ...     torch_device()
    'cpu'
    """
    if device not in DEVICES:
        raise InputError(f"The device is {device!r}, expected one of {', '.join(DEVICES)}.")
    token = _allowed.set(device)
    try:
        if device == "gpu" and not gpu_count():
            raise InputError(
                "The device is gpu, but torch finds no CUDA device on this machine. Take any or "
                "cpu, or a machine with a GPU and a torch that was built for it."
            )
        yield
    finally:
        _allowed.reset(token)


def torch_device() -> str:
    """Where torch is to work here: ``cuda`` where it may and can, else ``cpu``."""
    return "cuda" if gpu_count() else "cpu"


def gpu_count() -> int:
    """CUDA devices that may be used here."""
    if _allowed.get() == "cpu":
        return 0
    try:
        import torch
    except ImportError:
        return 0
    return torch.cuda.device_count() if torch.cuda.is_available() else 0
