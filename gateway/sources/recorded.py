"""A licence as a register states it, without its document; apart from the store, so that readers begin quickly."""

from typing import NamedTuple

from policies.dimension import LicenceStatus


class RecordedLicence(NamedTuple):
    """What a register states about one licence; texts are in the spelling of keys, ``issued_on`` as yyyy-MM-dd or "".

    A tuple, because hundreds of thousands of them pass between processes.
    """

    identifier: str
    number: str
    type_code: str
    name: str
    holders: tuple[str, ...]
    issued_on: str
    status: LicenceStatus
    is_under_objection: bool

    @property
    def has_key(self) -> bool:
        """Whether it can be found again: by its identifier, or by its number and type."""
        return bool(self.identifier or (self.number and (self.type_code or self.name)))
