"""Trust lists for tests: valid unless one thing is said to be otherwise, signed by keys of every algorithm."""

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from keys.scope import Scope
from keys.trust import Anchor, KeyAnchor, Purpose
from keys.trust_list import ListAlgorithm, ListKey, ListKeys, ListSignature, Removal, TrustList
from tests.support import pki
from tests.support.pki import SigningKey

DAY = timedelta(days=1)
TYPE, OTHER_TYPE = "11100000000013338W001", "11100000000013338W002"
AUTHORITY, OTHER_AUTHORITY = "11100000MB0341032Y", "11370000MB2847000X"


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeper:
    """Somebody who signs lists."""

    key: SigningKey
    entry: ListKey

    def sign(self, trust_list: TrustList) -> ListSignature:
        """Sign a list."""
        return ListSignature(key=self.entry.id, value=self.key.sign(trust_list.signed_bytes))


def keeper(name: str, algorithm: ListAlgorithm = ListAlgorithm.SM2, key: SigningKey | None = None) -> Keeper:
    makers = {ListAlgorithm.SM2: pki.sm2_key, ListAlgorithm.P256: pki.p256_key, ListAlgorithm.ED25519: pki.ed25519_key}
    key = key or makers[algorithm]()
    return Keeper(key=key, entry=ListKey(id=name, algorithm=algorithm, public_key=key.spki))


KEEPERS = (keeper("a"), keeper("b", ListAlgorithm.P256), keeper("c", ListAlgorithm.ED25519))


def keys_of(*keepers: Keeper, threshold: int = 2) -> ListKeys:
    return ListKeys(keys=tuple(one.entry for one in keepers), threshold=threshold)


SIGNER_CA, MAKER_CA = pki.make_root("Signer CA"), pki.make_root("Maker CA")
MAKER = SIGNER_CA.issue("Seal Centre")
NAMED = MAKER_CA.issue("Named Centre")
ENTRIES = (
    Anchor(
        certificate=SIGNER_CA.certificate, purposes=frozenset({Purpose.SIGNER}), is_exhaustive=True, source="CA 公告"
    ),
    Anchor(
        certificate=MAKER.certificate,
        purposes=frozenset({Purpose.SEAL_MAKER}),
        is_exhaustive=True,
        scope=Scope(licence_types=frozenset({TYPE}), authorities=frozenset({AUTHORITY, OTHER_AUTHORITY})),
        region="370000",
        start=pki.BEGIN,
        sunset=pki.END,
    ),
    Anchor(
        certificate=MAKER_CA.certificate,
        subject=NAMED.certificate.subject,
        purposes=frozenset({Purpose.SEAL_MAKER}),
        is_exhaustive=True,
    ),
)


def make_list(*entries: Anchor, keepers: tuple[Keeper, ...] = KEEPERS, threshold: int = 2, **fields: Any) -> TrustList:
    """Return a list that nobody has signed yet."""
    values: dict[str, Any] = {
        "name": "province-37",
        "version": 1,
        "issued": pki.NOW - DAY,
        "expires": pki.NOW + 90 * DAY,
        "previous": None,
        "signers": keys_of(*keepers, threshold=threshold),
        "anchors": entries or ENTRIES,
    }
    return TrustList(**(values | fields))


def signed(trust_list: TrustList, *keepers: Keeper) -> TrustList:
    """Return the list with a signature by each; by the first two where none is named."""
    for one in keepers or KEEPERS[:2]:
        trust_list = trust_list.with_signature(one.sign(trust_list))
    return trust_list


def next_list(trust_list: TrustList, **fields: Any) -> TrustList:
    """Return the next version, unsigned."""
    values: dict[str, Any] = {"version": trust_list.version + 1, "previous": trust_list.digest, "signatures": ()}
    return replace(trust_list, **(values | fields))


REMOVAL = Removal(fingerprint="00" * 32, title="某中心", reason="机构撤销", removed_at=pki.NOW)
CALLER = KeyAnchor(public_key=pki.ed25519_key().spki, purposes=frozenset({Purpose.CALLER, Purpose.PARTNER}))


def canonical(content: Any) -> bytes:
    """Write canonical JSON as any other program would."""
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


moments = st.datetimes(min_value=pki.BEGIN.replace(tzinfo=None), max_value=pki.END.replace(tzinfo=None)).map(
    lambda moment: moment.replace(microsecond=0, tzinfo=pki.NOW.tzinfo)
)
codes = st.none() | st.frozensets(st.from_regex(r"[0-9A-Z]{1,21}", fullmatch=True), min_size=1, max_size=3)


@st.composite
def listed_anchors(draw: st.DrawFn) -> Anchor:
    """Draw an entry that the format allows."""
    times = draw(st.lists(moments, min_size=2, max_size=2, unique=True))
    certificate, subject = draw(
        st.sampled_from([(MAKER, None), (NAMED, None), (SIGNER_CA, MAKER.certificate.subject), (SIGNER_CA, None)])
    )
    allowed = set(Purpose) - ({Purpose.SEAL_MAKER} if certificate is SIGNER_CA and subject is None else set())
    return Anchor(
        certificate=certificate.certificate,
        subject=subject,
        is_exhaustive=True,
        purposes=draw(st.frozensets(st.sampled_from(sorted(allowed)), min_size=1)),
        scope=Scope(licence_types=draw(codes), authorities=draw(codes)),
        start=draw(st.sampled_from([None, min(times)])),
        sunset=draw(st.sampled_from([None, max(times)])),
        region=draw(st.sampled_from(["", "370000"])),
        source=draw(st.text(st.characters(codec="utf-8", categories=["L", "N", "P"]), max_size=20)),
    )
