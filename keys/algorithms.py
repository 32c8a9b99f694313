"""Until when signatures by which algorithm may be relied on: a table that is data, and no code.

`keys.signature` says what can be verified at all; this table only takes away from it, by the kind and size of the key
and by the digest. It is part of a trust store, so that everything that depends on it is bound to the store's version.
What has no line is never relied on. A time here is when the *signature* was made, as far as that is proven: whoever can
forge an algorithm can also write an earlier date, so that a signer's own claim of a time is no proof (who judges must
pass a proven time or the present).

Revocation lists, OCSP answers and status feeds are not held to the table, since they are made afresh and live hours:
what `keys.signature` verifies counts. A CA whose key or digest has ended is refused with its certificates, whose paths
end at the same moment; only for what a time stamp proves to be older does its word on revocation still count.
"""

import hashlib
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property
from importlib import resources
from typing import Final

from keys.der import INTEGER, SEQUENCE, expect_element
from keys.digest import DIGESTS
from keys.errors import AlgorithmFault, AlgorithmFlaw, MalformedAlgorithmsError
from keys.signature import ALGORITHMS
from keys.spki import KeyType, parse_spki

MAX_ALGORITHMS: Final = 64 * 1024  # bytes; the shipped table has 3 kB
MAX_SOURCE: Final = 512  # characters
MAX_FAULTS: Final = 50  # more than a table has lines, and what a person reads
_SHOWN: Final = 60  # characters of a key that a fault repeats
NEVER: Final = datetime.min.replace(tzinfo=UTC)  # the end of what may not be relied on at any time
NO_END: Final = datetime.max.replace(tzinfo=UTC)

_RSA_CLASS: Final = re.compile(r"rsa-([1-9][0-9]{3,4})")
_OTHER_KEYS: Final = frozenset(kind.value for kind in KeyType if kind is not KeyType.RSA)
_DIGEST_NAMES: Final = frozenset(digest.name for digest in DIGESTS.values())
_MEMBERS: Final = frozenset({"until", "source"})


class Kind(StrEnum):
    """What a line is about; both ends count for a signature."""

    KEY = "keys"  # "sm2", "p-256", "ed25519", or "rsa-" with the fewest bits of its class
    DIGEST = "digests"  # as `keys.digest` names them


@dataclass(frozen=True, slots=True, kw_only=True)
class Sunset:
    """One line: signatures made before ``until`` may be relied on (None: no end is known), as ``source`` says."""

    kind: Kind
    name: str
    until: datetime | None
    source: str

    @property
    def end(self) -> datetime:
        """The first moment at which it counts no more."""
        return NO_END if self.until is None else self.until


@dataclass(frozen=True, kw_only=True)
class AlgorithmSunsets:
    """The whole table, one line for each kind and name, sorted. Without lines nothing may be relied on."""

    lines: tuple[Sunset, ...] = ()

    def overridden_by(self, other: "AlgorithmSunsets") -> "AlgorithmSunsets":
        """Return the table in which the lines of ``other`` stand in the place of those of the same name."""
        return AlgorithmSunsets(lines=_sort((*self.lines, *other.lines)))

    def signature_end(self, algorithm: str, spki: bytes) -> datetime:
        """Return the first moment from which a signature counts no more: the earlier end of its key and its digest.

        ``algorithm`` is the dotted OID of the signature, ``spki`` the DER SubjectPublicKeyInfo that verifies it;
        `NEVER` for what is not known here.
        """
        known = ALGORITHMS.get(algorithm)
        if known is None:
            return NEVER
        return min(self._end_of(Kind.DIGEST, known.digest), self.key_end(spki))

    def key_end(self, spki: bytes) -> datetime:
        """Return the first moment from which signatures by this key count no more; `NEVER` where it is not known."""
        try:
            kind, content = parse_spki(spki)
            if kind is not KeyType.RSA:
                return NEVER if kind is None else self._end_of(Kind.KEY, kind)
            size = _read_rsa_size(content)
        except ValueError:
            return NEVER
        reached = [line for bits, line in self._rsa_classes if bits <= size]
        return reached[-1].end if reached else NEVER

    def digest_end(self, algorithm: str) -> datetime:
        """Return the first moment from which a digest (dotted OID) counts no more; `NEVER` where it is not known."""
        known = DIGESTS.get(algorithm)
        return NEVER if known is None else self._end_of(Kind.DIGEST, known.name)

    @cached_property
    def version(self) -> str:
        """SHA-256 in hexadecimal over the lines."""
        lines = [f"{one.kind} {one.name} {one.end.isoformat()} {one.source}" for one in self.lines]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def _end_of(self, kind: Kind, name: str) -> datetime:
        line = self._by_name.get((kind, name))
        return NEVER if line is None else line.end

    @cached_property
    def _by_name(self) -> Mapping[tuple[Kind, str], Sunset]:
        return {(line.kind, line.name): line for line in self.lines}

    @cached_property
    def _rsa_classes(self) -> tuple[tuple[int, Sunset], ...]:
        """The lines of RSA with the fewest bits of each, ascending."""
        found = [(int(match[1]), line) for line in self.lines if (match := _RSA_CLASS.fullmatch(line.name))]
        return tuple(sorted(found, key=lambda pair: pair[0]))


def _sort(lines: Iterable[Sunset]) -> tuple[Sunset, ...]:
    """Return the lines in the order of their names, the last of each name."""
    by_name = {(line.kind, line.name): line for line in lines}
    return tuple(by_name[name] for name in sorted(by_name))


def _read_rsa_size(key: bytes) -> int:
    """Return the bits of the modulus of an RSAPublicKey (RFC 8017 appendix A.1.1)."""
    frame = expect_element(key, 0, len(key), SEQUENCE)
    modulus = expect_element(key, frame.content, frame.end, INTEGER)
    return int.from_bytes(key[modulus.content : modulus.end]).bit_length()


def parse_algorithms(data: bytes) -> AlgorithmSunsets:
    """Read a table as `keys/algorithms.toml` is one, in TOML.

    Raises:
        MalformedAlgorithmsError: with every fault that is in it, at most `MAX_FAULTS`.

    """
    if len(data) > MAX_ALGORITHMS:
        raise MalformedAlgorithmsError([AlgorithmFault(key="", flaw=AlgorithmFlaw.TOO_LARGE)])
    try:
        tables = tomllib.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:  # also what is not UTF-8, and integers of thousands of digits
        raise MalformedAlgorithmsError([AlgorithmFault(key="", flaw=AlgorithmFlaw.TOML)]) from error
    found = tuple(_read_tables(tables))
    faults = [one for one in found if isinstance(one, AlgorithmFault)]
    if faults:
        raise MalformedAlgorithmsError(faults[:MAX_FAULTS])
    return AlgorithmSunsets(lines=_sort(one for one in found if isinstance(one, Sunset)))


def _read_tables(tables: Mapping[str, object]) -> Iterator[Sunset | AlgorithmFault]:
    kinds = {kind.value: kind for kind in Kind}
    for section, lines in tables.items():
        kind = kinds.get(section)
        if kind is None:
            yield AlgorithmFault(key=section[:_SHOWN], flaw=AlgorithmFlaw.UNKNOWN_KEY)
        elif not isinstance(lines, dict):
            yield AlgorithmFault(key=section, flaw=AlgorithmFlaw.TABLE)
        else:
            for name, line in lines.items():
                yield from _read_line(kind, name, line)


def _read_line(kind: Kind, name: str, line: object) -> Iterator[Sunset | AlgorithmFault]:
    key = f"{kind}.{name[:_SHOWN]}"
    faults = []
    known = name in _DIGEST_NAMES if kind is Kind.DIGEST else name in _OTHER_KEYS or _RSA_CLASS.fullmatch(name)
    if not known:
        faults.append(AlgorithmFault(key=key, flaw=AlgorithmFlaw.ALGORITHM))
    if not isinstance(line, dict):
        yield from (*faults, AlgorithmFault(key=key, flaw=AlgorithmFlaw.TABLE))
        return
    faults += [
        AlgorithmFault(key=f"{key}.{member[:_SHOWN]}", flaw=AlgorithmFlaw.UNKNOWN_KEY)
        for member in line
        if member not in _MEMBERS
    ]
    until, source = line.get("until"), line.get("source")
    end = _read_moment(until)
    if until is not None and end is None:
        faults.append(AlgorithmFault(key=f"{key}.until", flaw=AlgorithmFlaw.MOMENT))
    if not isinstance(source, str) or not source.strip() or len(source) > MAX_SOURCE:
        faults.append(AlgorithmFault(key=f"{key}.source", flaw=AlgorithmFlaw.SOURCE))
    elif not faults:
        yield Sunset(kind=kind, name=name, until=end, source=source)
    yield from faults


def _read_moment(value: object) -> datetime | None:
    """Return the moment in UTC; None where it is none, or has no offset, so that nobody knows what it means."""
    if not isinstance(value, datetime) or value.tzinfo is None:
        return None
    try:
        return value.astimezone(UTC)
    except OverflowError:
        return None


DEFAULT_ALGORITHMS: Final = parse_algorithms(resources.files("keys").joinpath("algorithms.toml").read_bytes())
