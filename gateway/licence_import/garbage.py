"""Cyclic garbage, looked for once a batch: to look after every few hundred values costs a tenth of an import."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collected_by_hand() -> Iterator[None]:
    """Leave garbage alone until `collect_garbage` is called; what was there before is not looked at again inside."""
    if not gc.isenabled():  # somebody else decides
        yield
        return
    begin_collecting_by_hand()
    try:
        yield
    finally:
        gc.unfreeze()
        gc.enable()


def begin_collecting_by_hand() -> None:
    """Do so to the end of the process."""
    gc.disable()
    gc.freeze()


def collect_garbage() -> None:
    """Look through what was made since: errors of bad records, whose tracebacks lead back to them."""
    gc.collect()
