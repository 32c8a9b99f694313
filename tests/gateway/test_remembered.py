"""What was found out about a thing is remembered for that thing alone."""

from gateway.remembered import MOST, Remembered


class Asked:
    """Finds the length of a list, and counts how often it was asked."""

    def __init__(self) -> None:
        """Nobody asked yet."""
        self.times = 0
        self.length = Remembered(self._find_out)

    def _find_out(self, thing: list[int]) -> int:
        self.times += 1
        return len(thing)


def test_the_same_thing_is_looked_at_once() -> None:
    """What was found out once is said again without looking."""
    asked, thing = Asked(), [1, 2]
    assert [asked.length(thing), asked.length(thing)] == [2, 2]
    assert asked.times == 1


def test_an_equal_thing_is_another_one() -> None:
    """Things are known by their identity, which no other one gets while they are remembered."""
    asked = Asked()
    assert [asked.length([number]) for number in range(MOST)] == [1] * MOST
    assert asked.times == MOST


def test_it_is_bounded() -> None:
    """However many things come up, those that are kept are a bounded number, and the answers stay right."""
    asked = Asked()
    things = [[0] * (number % 7) for number in range(3 * MOST)]
    assert [asked.length(thing) for thing in things] == [len(thing) for thing in things]
    assert len(asked.length._found) <= MOST
