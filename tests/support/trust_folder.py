"""A trust folder with signed lists in it, for tests: written by hand, or published as an operator would."""

from pathlib import Path

from gateway.trust.layout import ARCHIVE_FOLDER, LISTS_FOLDER, ROOTS_FILE
from gateway.trust.publishing import Published, publish
from gateway.trust.roots import encode_roots
from keys.trust_list import ListKeys, TrustList, encode_trust_list
from tests.support import pki
from tests.support.trust_lists import KEEPERS, Keeper, keys_of, make_list, signed

NAME = "province-37"


def write_folder(folder: Path, *, roots: ListKeys | None = None) -> Path:
    """Make a folder that knows the root keys of the list, and nothing else."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ROOTS_FILE).write_bytes(encode_roots({NAME: roots or keys_of(*KEEPERS)}))
    return folder


def put(folder: Path, trust_list: TrustList, *, name: str = NAME) -> Path:
    """Put a list where the gateway looks, without looking at it."""
    path = folder / LISTS_FOLDER / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(encode_trust_list(trust_list))
    return path


def archive(folder: Path, trust_list: TrustList) -> Path:
    """Put a list into the archive."""
    path = folder / ARCHIVE_FOLDER / f"{trust_list.name}.{trust_list.version}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(encode_trust_list(trust_list))
    return path


def published(folder: Path, *lists: TrustList, max_change: float = 1e9, by: Keeper | None = None) -> Published:
    """Publish lists one after the other, approved by somebody or nobody; the first one made by default."""
    approver = None if by is None else lambda _: (by.entry, by.key)
    done = [
        publish(encode_trust_list(one), folder, at=pki.NOW, max_change=max_change, approver=approver)
        for one in lists or (signed(make_list()),)
    ]
    return done[-1]
