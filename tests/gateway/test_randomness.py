"""Random bytes are given once, whoever asks, and to no copy of a process."""

import os
import threading

from gateway.randomness import take_random


def test_nothing_is_given_twice() -> None:
    """Pieces of any size have that size, and no two that threads take at once are alike."""
    taken: list[bytes] = []

    def take() -> None:
        taken.extend(take_random(16) for _ in range(2000))

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(taken)) == len(taken) == 8000
    assert [len(take_random(size)) for size in (0, 1, 4095, 4096, 4097, 10_000)] == [0, 1, 4095, 4096, 4097, 10_000]


def test_a_copy_of_the_process_draws_anew() -> None:
    """What a process had drawn ahead when it was copied is given to one of both alone."""
    take_random(1)
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(theirs, take_random(32))
        os._exit(0)
    os.waitpid(child, 0)
    os.close(theirs)
    with os.fdopen(ours, "rb") as told:
        assert told.read() != take_random(32)
