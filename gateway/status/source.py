"""Where revocation status comes from: one file of ``status/`` in the site folder for each source."""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_der_public_key
from yarl import URL

from gateway.toml_table import Fault, TomlTable, load_toml
from keys.certificate import MAX_BUNDLE, Certificate, load_certificates
from keys.errors import KeysError, SignatureVerificationError
from keys.ocsp import IdDigest
from keys.revocation_scope import ListScope
from keys.sm2 import Sm2PublicKey
from keys.spki import parse_spki
from keys.trust import TrustStore
from keys.trust_list import KeyRole, ListAlgorithm, ListKey

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

STATUS_FOLDER: Final = "status"
MAX_SOURCES: Final = 1_000  # files; the country has about 60 licensed CAs, each with a list and a responder
MAX_URLS: Final = 8  # addresses of one source, tried in order
MAX_HOSTS: Final = 32
MIB: Final = 1024 * 1024
MAX_LIST_BYTES: Final = 256 * MIB  # the bound of the readers
# Of a feed unless the site says otherwise: it is decoded in one call that no other thread can interrupt, in some 15 to
# 30 ms for each MiB, and every question to this process waits meanwhile.
FEED_BYTES: Final = 8 * MIB

_PORTS: Final = {"http": 80, "https": 443}
_HOST_PATTERN: Final = r"[0-9a-z._\-\[\]:]{1,255}:[0-9]{1,5}"
_DAY: Final = 86_400.0
_HOUR: Final = 3_600.0


class SourceKind(StrEnum):
    """What a source serves."""

    LIST = "crl"
    OCSP = "ocsp"
    FEED = "feed"


class Coverage(StrEnum):
    """For which certificates of its issuer the list of a source speaks."""

    ALL = "all"
    SUBSCRIBERS = "subscribers"
    AUTHORITIES = "authorities"
    POINT = "distribution-point"  # those that name one of its distribution points

    @classmethod
    def of(cls, scope: ListScope | None) -> "Coverage":
        """Return what a list of this scope speaks for."""
        if scope is None:
            return cls.ALL
        if scope.points is not None:
            return cls.POINT
        return cls.SUBSCRIBERS if scope.only_users else cls.AUTHORITIES


class _Digest(StrEnum):
    SHA1 = "sha1"
    SHA256 = "sha256"
    SM3 = "sm3"


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusSource:
    """One source of status about the certificates of ``issuer``.

    ``hosts`` are exact ``host:port`` pairs; ``networks`` the private or local networks that they may resolve to.
    An answer is used until ``tolerance_seconds`` after the source last confirmed it, and never past its next update.
    """

    name: str
    kind: SourceKind
    issuer: Certificate
    urls: tuple[str, ...]
    hosts: frozenset[str]
    delta_urls: tuple[str, ...] = ()  # of a feed: with {seq} for the number at hand
    networks: tuple[Network, ...] = ()
    covers: Coverage = Coverage.ALL  # of a list: what those at ``urls`` must speak for, at least
    from_certificates: bool = False  # also use the addresses that certificates state, where their host is allowed
    interval_seconds: float = _HOUR
    tolerance_seconds: float = _DAY
    timeout_seconds: float = 30.0
    max_bytes: int = 64 * MIB
    proxy: str | None = None
    digest: IdDigest = IdDigest.SHA1
    nonce_required: bool = False
    publisher: str | None = None
    keys: tuple[ListKey, ...] = ()


def is_allowed_url(text: str, hosts: Iterable[str]) -> bool:
    """Return whether an address is plain HTTP or HTTPS to exactly one of ``hosts``, without a user in it.

    Hosts are compared in the one spelling that `_spell_host` gives them.
    """
    try:
        url = URL(text)
        host = f"{url.host_subcomponent}:{url.port}"
    except ValueError:
        return False
    return url.scheme in _PORTS and url.user is None and url.password is None and host in hosts


def bound_stapled(sources: Iterable[StatusSource]) -> dict[bytes, timedelta]:
    """Return how old a stapled "good" may be, by issuer: as its OCSP sources say; none has a nonce that we gave."""
    found: dict[bytes, timedelta] = {}
    for source in sources:
        if source.kind is SourceKind.OCSP:
            within = timedelta(seconds=0 if source.nonce_required else source.tolerance_seconds)
            found[source.issuer.spki] = min(within, found.get(source.issuer.spki, within))
    return found


def _spell_host(text: str) -> str | None:
    """Return ``host:port`` as addresses are compared with it: IDN as ``xn--…``, IPv6 shortened and in brackets."""
    try:
        url = URL(f"http://{text}")
    except ValueError:
        return None
    return f"{url.host_subcomponent}:{url.explicit_port}"


def load_status_sources(site: Path, *, store: TrustStore, faults: list[Fault]) -> tuple[StatusSource, ...]:
    """Read ``status/*.toml`` of a site folder, in the order of their names; whatever is wrong is noted in ``faults``.

    The file's name without its ending is the name of the source.
    """
    folder = site / STATUS_FOLDER
    if not folder.exists():
        return ()
    try:
        files = sorted(path for path in folder.iterdir() if path.suffix == ".toml" and not path.name.startswith("."))
    except OSError:
        faults.append(Fault(file=STATUS_FOLDER, key="", expected="a readable folder", found="something else"))
        return ()
    if len(files) > MAX_SOURCES:
        faults.append(Fault(file=STATUS_FOLDER, key="", expected=f"at most {MAX_SOURCES} files", found=str(len(files))))
        return ()
    sources = []
    for path in files:
        before = len(faults)
        table = load_toml(path, file=f"{STATUS_FOLDER}/{path.name}", faults=faults)
        source = None if table is None else _read_source(table, site=site, name=path.stem, store=store)
        if source is not None and len(faults) == before:
            sources.append(source)
    return tuple(sources)


def _read_source(table: TomlTable, *, site: Path, name: str, store: TrustStore) -> StatusSource | None:
    kind = table.choice("kind", SourceKind)
    issuer = _read_issuer(table, site=site, store=store)
    hosts = _read_hosts(table)
    urls = table.texts("urls", most=MAX_URLS, default=())
    delta_urls = table.texts("delta_urls", most=MAX_URLS, default=())
    for key, addresses in (("urls", urls), ("delta_urls", delta_urls)):
        for address in addresses:
            if not is_allowed_url(address, hosts):
                table.fault(key, expected="http(s) addresses whose host:port is in hosts", found=address[:60])
    from_certificates = table.flag("from_certificates", default=False)
    if not urls and not from_certificates:
        table.fault("urls", expected="an address, or from_certificates = true", found="none")
    digest = table.choice("digest", _Digest) if kind is SourceKind.OCSP and table.has("digest") else _Digest.SHA1
    max_bytes = FEED_BYTES if kind is SourceKind.FEED else 64 * MIB
    source = StatusSource(
        name=name,
        kind=kind or SourceKind.LIST,
        issuer=issuer,  # type: ignore[arg-type]  # None only beside a fault, and then nothing is returned
        urls=urls,
        delta_urls=delta_urls,
        hosts=hosts,
        networks=_read_networks(table),
        covers=_read_coverage(table) if kind is SourceKind.LIST else Coverage.ALL,
        from_certificates=from_certificates,
        interval_seconds=table.seconds("interval_seconds", default=_HOUR, low=1, high=7 * _DAY),
        tolerance_seconds=table.seconds("tolerance_seconds", default=_DAY, low=1, high=30 * _DAY),
        timeout_seconds=table.seconds("timeout_seconds", default=30.0, low=0.1, high=600),
        max_bytes=table.integer("max_bytes", default=max_bytes, low=1024, high=MAX_LIST_BYTES),
        proxy=_read_proxy(table),
        digest=IdDigest[(digest or _Digest.SHA1).name],
        nonce_required=table.flag("nonce_required", default=False),
        publisher=table.text("publisher") if kind is SourceKind.FEED else None,
        keys=_read_key(table) if kind is SourceKind.FEED else (),
    )
    if source.tolerance_seconds < source.interval_seconds:
        table.fault("tolerance_seconds", expected="at least interval_seconds", found=f"{source.tolerance_seconds:g}")
    table.finish()
    return None if issuer is None else source


def _read_issuer(table: TomlTable, *, site: Path, store: TrustStore) -> Certificate | None:
    """Read the issuer: ``issuer`` is a certificate file in the site, ``issuer_name`` the subject of an anchor."""
    if table.has("issuer_name"):
        name = table.text("issuer_name")
        found = {anchor.certificate for anchor in store.anchors if anchor.certificate.subject_text == name}
        if len(found) == 1:
            return found.pop()
        table.fault("issuer_name", expected="the subject of exactly one trusted certificate", found=f"{len(found)}")
        return None
    inside = table.text("issuer", expected="a certificate file inside the site folder, or issuer_name instead")
    if not inside:
        return None
    path = (site / inside).resolve()
    if not path.is_relative_to(site.resolve()):
        table.fault("issuer", expected="a file inside the site folder", found="one outside")
        return None
    try:
        with path.open("rb") as stream:
            certificates = load_certificates(stream.read(MAX_BUNDLE + 1))
    except (OSError, KeysError):
        certificates = ()
    if len(certificates) != 1:
        table.fault("issuer", expected="a file with one certificate", found="something else")
        return None
    return certificates[0]


def _read_hosts(table: TomlTable) -> frozenset[str]:
    expected = "host:port in lower case, such as a.cn:80"
    texts = table.texts("hosts", most=MAX_HOSTS, pattern=_HOST_PATTERN, expected=expected)
    hosts = {text: _spell_host(text) for text in texts}
    for text, host in hosts.items():
        if host is None:
            table.fault("hosts", expected=expected, found=text[:60])
    return frozenset(host for host in hosts.values() if host is not None)


def _read_coverage(table: TomlTable) -> Coverage:
    return (table.choice("covers", Coverage) if table.has("covers") else None) or Coverage.ALL


def _read_networks(table: TomlTable) -> tuple[Network, ...]:
    networks = []
    for text in table.texts("allow_networks", most=MAX_HOSTS, default=()):
        try:
            networks.append(ipaddress.ip_network(text))
        except ValueError:
            table.fault("allow_networks", expected="networks such as 10.1.2.0/24", found=text[:60])
    return tuple(networks)


def _read_proxy(table: TomlTable) -> str | None:
    if not table.has("proxy"):
        return None
    return table.text("proxy", pattern=r"http://[0-9A-Za-z._\-\[\]:]{1,255}", expected="http://host:port")


def _read_key(table: TomlTable) -> tuple[ListKey, ...]:
    """Read the key of a feed's publisher; ``public_key`` is a SubjectPublicKeyInfo in base64."""
    inner = table.table("key")
    algorithm = inner.choice("algorithm", ListAlgorithm)
    identifier = inner.text("id")
    public_key = inner.base64("public_key")
    inner.finish()
    if algorithm is None or not public_key:
        return ()
    if not _is_key_of(algorithm, public_key):
        expected = f"a SubjectPublicKeyInfo for {algorithm}, in base64"
        inner.fault("public_key", expected=expected, found="something else")
        return ()
    roles = frozenset({KeyRole.STATUS_FEED})
    return (ListKey(id=identifier, algorithm=algorithm, public_key=public_key, roles=roles),)


def _is_key_of(algorithm: ListAlgorithm, public_key: bytes) -> bool:
    """Return whether the bytes are a key of this algorithm; another one would refuse every feed, and only then."""
    try:
        if parse_spki(public_key)[0] is not algorithm.key_type:
            return False
        if algorithm is ListAlgorithm.SM2:
            Sm2PublicKey.from_spki(public_key)
        else:
            load_der_public_key(public_key)
    except (ValueError, UnsupportedAlgorithm, SignatureVerificationError):
        return False
    return True
