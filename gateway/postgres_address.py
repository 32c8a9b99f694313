"""The address of a PostgreSQL database, which may hold a password and so is in a file that nobody else may read."""

from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from gateway.secret_file import SecretError, SecretFault, read_private_file

_SCHEMES: Final = frozenset({"postgres", "postgresql"})
_DETAILS: Final = {
    SecretFault.ABSENT: "no such file",
    SecretFault.UNREADABLE: "it cannot be read",
    SecretFault.NOT_A_FILE: "no plain file",
    SecretFault.OPEN_PERMISSIONS: "others may read it",
    SecretFault.UNUSABLE: "postgresql://… was expected",
}


class AddressError(Exception):
    """There is no address; the text never holds any of it."""

    def __init__(self, fault: SecretFault, path: Path) -> None:
        """Keep what is wrong, and with which file."""
        self.fault = fault
        super().__init__(f"{path}: {_DETAILS[fault]}")


def read_postgres_address(path: Path) -> str:
    """Return the address that a file holds.

    Raises:
        AddressError: there is none, or others may read it.

    """
    try:
        address = read_private_file(path).decode().strip()
        is_address = urlsplit(address).scheme in _SCHEMES and len(address.split()) == 1
    except SecretError as error:
        raise AddressError(error.fault, path) from error
    except ValueError as error:  # no UTF-8, or no URL at all
        raise AddressError(SecretFault.UNUSABLE, path) from error
    if not is_address:
        raise AddressError(SecretFault.UNUSABLE, path)
    return address
