"""The pseudonyms of every partner and purpose, derived from the site's master key when they are first asked for."""

from collections import OrderedDict
from typing import Final

from policies.forms.pseudonym import Pseudonyms

MAX_KEPT: Final = 4096  # derived keys, about 200 bytes each; 34 partners with 100 purposes each

FIRST_EPOCH: Final = 1


class PseudonymKeys:
    """Derives and keeps keys. Two organisations, or two purposes, never get the same pseudonym for one value."""

    def __init__(self, master: bytes | None, *, epoch: int = FIRST_EPOCH) -> None:
        """Use a master key; None: there is none, and pseudonyms are withheld."""
        self._master = master
        self._epoch = epoch
        self._kept: OrderedDict[tuple[str, str], Pseudonyms] = OrderedDict()

    @property
    def is_configured(self) -> bool:
        """Whether there is a master key."""
        return self._master is not None

    def of(self, organisation: str, purpose: str) -> Pseudonyms | None:
        """Return the pseudonyms of an organisation (its credit code) for a purpose; None without a master key."""
        if self._master is None:
            return None
        key = (organisation, purpose)
        found = self._kept.get(key)
        if found is None:
            found = Pseudonyms(master=self._master, partner=organisation, purpose=purpose, epoch=self._epoch)
            self._kept[key] = found
            if len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(key)
        return found
