"""The bounded memory of expensive answers."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from keys.memo import Memo, remember_short


def test_an_answer_is_computed_once():
    """The second question for the same key is answered from memory."""
    memo = Memo(2)
    assert memo.get("a", lambda: 1) == 1
    assert memo.get("a", lambda: pytest.fail("computed again")) == 1


def test_the_oldest_by_use_falls_out():
    """A full memory forgets what was not asked for the longest."""
    memo = Memo(2)
    memo.get("a", lambda: 1)
    memo.get("b", lambda: 2)
    memo.get("a", lambda: 1)
    memo.get("c", lambda: 3)
    assert len(memo) == 2
    assert memo.get("b", lambda: "again") == "again"


def test_looking_is_no_use():
    """Whether an answer is remembered can be asked without remembering it any longer."""
    memo = Memo(1)
    memo.get("a", lambda: 1)
    assert "a" in memo
    assert "b" not in memo
    memo.get("b", lambda: 2)
    assert "a" not in memo


def test_a_failure_is_not_kept():
    """What the computation raises reaches the asker, and the next one tries again."""
    memo = Memo(2)
    with pytest.raises(ZeroDivisionError):
        memo.get("a", lambda: 1 // 0)
    assert memo.get("a", lambda: 1) == 1
    memo.clear()
    assert len(memo) == 0


def test_threads_never_see_another_key():
    """Under eviction by several threads, everybody gets the answer to the own question."""
    memo = Memo(3)

    def ask(number):
        return memo.get(number % 7, lambda: number % 7) == number % 7

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(ask, range(2000)))


def test_only_short_values_are_remembered():
    """A short value is read once, a long one each time, and what cannot be read is tried again."""
    seen = []

    @remember_short
    def read(value):
        seen.append(value)
        return 1 // len(value)

    for value in (bytes(32), bytes(33), b""):
        for _ in range(2):
            try:
                assert read(value) == 0
            except ZeroDivisionError:
                assert not value
    assert seen == [bytes(32), bytes(33), bytes(33), b"", b""]
