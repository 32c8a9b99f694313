"""A link to a file that a system returned: where we may reach it."""

import re
from collections.abc import Mapping
from typing import Final

from yarl import URL

from gateway.adapters.error import AskError, AskFault
from gateway.adapters.request import MAX_ADDRESS

_SCHEMES: Final = ("http://", "https://")
_IN_ADDRESSES: Final = re.compile(r"[\x21-\x7e]+")


def is_address(link: str) -> bool:
    """Say whether a link is an address, and no word by which the system is asked for the file."""
    return link.lower().startswith(_SCHEMES)


def rewrite_link(link: str, *, hosts: Mapping[str, str], base: str) -> str:
    """Return where we reach an address: by the scheme of the system's own address ``base``, at the host of the table.

    One that would not stand in a request as it is (a space ends it there) leads nowhere.

    Raises:
        AskError: HOST_NOT_NAMED, it is no address, or the table does not have its host.

    """
    if len(link) > MAX_ADDRESS or not _IN_ADDRESSES.fullmatch(link):
        raise AskError(AskFault.HOST_NOT_NAMED)
    try:
        url = URL(link, encoded=True)
    except ValueError:  # not chained: it carries the address
        raise AskError(AskFault.HOST_NOT_NAMED) from None
    named = hosts.get(url.raw_authority.lower())
    if named is None:
        raise AskError(AskFault.HOST_NOT_NAMED)
    return f"{base.partition('://')[0]}://{named}{url.raw_path_qs}"
