"""The names of a licence under which it is noted what a system says of it: its identifier, and its number of a type."""

from collections.abc import Iterable

from adapters.codes.licence_types import LicenceTypes
from gateway.sources.source import ByIdentifier, LicenceIndex, LicenceKey

LicenceName = tuple[str, ...]


class LicenceNames:
    """Names by a table of types: a type has one text for all spellings that the table has.

    Several licences may have one number, so a number alone is no name. ``types`` are codes and names of the type that
    is asked for.
    """

    def __init__(self, types: LicenceTypes) -> None:
        """Take this table."""
        self._types = types

    def of_licence(self, index: LicenceIndex, types: Iterable[str] = ()) -> list[LicenceName]:
        """Return the names of a licence; ``types`` count where it does not state its own."""
        kinds = self._kinds((index.type_code, index.name)) or self._kinds(types)
        by_number = [("number", index.number, kind) for kind in kinds if index.number]
        return [("identifier", index.identifier), *by_number] if index.identifier else [*by_number]

    def of_key(self, key: LicenceKey, types: Iterable[str]) -> list[LicenceName]:
        """Return the names of what is said to a key; with a holder, for questions about this one alone.

        So a wrong guess of the holder ends nothing that is known of the licence.
        """
        held = () if key.holder is None else (key.holder,)
        if isinstance(key, ByIdentifier):
            return [("identifier", key.identifier, *held)]
        return [("number", key.number, kind, *held) for kind in self._kinds(types)]

    def _kinds(self, types: Iterable[str]) -> list[str]:
        return list(dict.fromkeys(self._types.key_of(code=text, name=text) for text in types if text))
