"""Damage of any kind at any place: whatever is changed in a valid document makes it not valid, and raises nothing.

A ZIP has fields that nothing protects and nobody needs (times, systems). There, a document may stay valid when
everything that is said of it stays the same.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from adapters.ofd.writer import SIGNATURE_LIST, encode_package
from adapters.registry import parse_document
from gateway.pipeline import verify_document
from gateway.verdict import Outcome, Verdict
from keys.trust import TrustStore
from tests.support.asn1 import appended, replaced
from tests.support.mutations import mutated
from tests.support.recipes import bare_seal, plain
from tests.support.sealed import (
    INDEX,
    NOW,
    PAGE,
    SEAL_FILE,
    SIGNATURE,
    SIGNED_VALUE,
    Recipe,
    Signing,
    cast,
    signed,
    signed_data,
    to_raw,
)
from tests.support.signed_data import oid
from tests.support.timestamps import StampRecipe, trusting_stamps

QUICK = settings(max_examples=100, deadline=None)
THOROUGH = settings(max_examples=3_000, deadline=None)

VARIANTS: dict[str, Callable[[], Recipe]] = {
    "version 4": Recipe,
    "version 1": lambda: signed(seal={"version": 1}),
    "version 5": lambda: signed(seal={"version": 5}),
    "raw signatures": lambda: signed(value=to_raw, seal={"value": to_raw}),
    "two signatures": lambda: Recipe(signings=(Signing(omit=frozenset({SIGNATURE_LIST})), Signing())),
    "type Sign": plain,
    "type Sign without attributes": lambda: plain(signed_at=None),
    "type Sign, attached": lambda: signed(plain=lambda data: signed_data(data, content=data)),
}
WITH_SIGNED_DATA = frozenset(name for name in VARIANTS if name.startswith("type Sign"))
MEMBERS = (INDEX, "Doc_0/Document.xml", PAGE, SIGNATURE_LIST, SIGNATURE, SIGNED_VALUE, SEAL_FILE)


@cache
def store(*, with_signer: bool = False) -> TrustStore:
    """Return whom everybody trusts; without a seal, the signer's certificate must be trusted itself."""
    trust = trusting_stamps()
    signers = (*trust.signers, *((cast().signer.certificate,) if with_signer else ()))
    return replace(trust, signers=signers).store()


@cache
def members_of(variant: str) -> Mapping[str, bytes]:
    """Seal a variant once a process, and make sure that it is where every damage starts from: valid."""
    members = VARIANTS[variant]().members()
    assert verdict_with(members, INDEX, members[INDEX], variant).outcome is Outcome.VALID
    return members


@cache
def package() -> bytes:
    return encode_package(members_of("version 4"))


@cache
def seal() -> bytes:
    """Return a seal by itself that is valid."""
    found = bare_seal()
    assert outcome(found) is Outcome.VALID
    return found


@cache
def document_with_stamp() -> Mapping[str, bytes]:
    """Return a document whose time a time stamp proves."""
    members = signed(stamp=StampRecipe()).members()
    assert outcome(encode_package(members)) is Outcome.VALID
    return members


def outcome(document: bytes) -> Outcome:
    return verify_document(document, store=store(), at=NOW).outcome


def verdict_with(members: Mapping[str, bytes], path: str, content: bytes, variant: str = "") -> Verdict:
    trust = store(with_signer=variant in WITH_SIGNED_DATA)
    return verify_document(encode_package({**members, path: content}), store=trust, at=NOW)


def damage_member(data: st.DataObject, variant: str, path: str) -> None:
    """Damage one member of a variant, in a package that is otherwise whole."""
    members = members_of(variant)
    content = data.draw(mutated(members[path]))
    assume(content != members[path])
    judge_damage(variant, path, content)


def judge_damage(variant: str, path: str, content: bytes) -> None:
    """Expect a verdict that is not valid: what a SignedData leaves unsigned has one value, or is refused."""
    members = members_of(variant)
    assert verdict_with(members, path, content, variant).outcome is not Outcome.VALID


def damage_package(changed: bytes) -> None:
    """Judge a damaged package: it is not valid, unless every member is what it was.

    A ZIP has fields that carry no meaning for its reader (times, systems, attributes).
    """
    if outcome(changed) is Outcome.VALID:
        assert dict(parse_document(changed).members) == dict(members_of("version 4"))


@pytest.mark.parametrize("path", MEMBERS)
@QUICK
@given(data=st.data())
def test_a_damaged_member_is_never_valid(path: str, data: st.DataObject) -> None:
    """Any byte of any protected member, of the description, of the value and of the list counts."""
    damage_member(data, "version 4", path)


@QUICK
@given(data=st.data())
def test_a_damaged_member_of_any_kind_is_never_valid(data: st.DataObject) -> None:
    """There is no member, be it a font list or a picture, whose bytes do not count."""
    damage_member(data, "version 4", data.draw(st.sampled_from(sorted(members_of("version 4")))))


@pytest.mark.parametrize("variant", [name for name in VARIANTS if name != "version 4"])
@QUICK
@given(data=st.data())
def test_a_damaged_signature_of_any_form_is_never_valid(variant: str, data: st.DataObject) -> None:
    """What holds for version 4 holds for every other form of seal and signature."""
    paths = sorted(path for path in members_of(variant) if "/Signs/" in path)
    damage_member(data, variant, data.draw(st.sampled_from(paths)))


@pytest.mark.parametrize("variant", list(VARIANTS))
@QUICK
@given(data=st.data())
def test_a_damaged_signed_value_is_never_valid(variant: str, data: st.DataObject) -> None:
    """Seal, certificate, time, hash and signature value are all under a signature, or in a list that is."""
    damage_member(data, variant, SIGNED_VALUE)


@QUICK
@given(data=st.data())
def test_a_damaged_seal_is_never_valid(data: st.DataObject) -> None:
    """A bare seal with any byte changed is not what its maker sealed."""
    content = data.draw(mutated(seal()))
    assume(content != seal())
    assert outcome(content) is not Outcome.VALID


@QUICK
@given(data=st.data())
def test_a_damaged_time_stamp_is_never_valid(data: st.DataObject) -> None:
    """A signature with a damaged time stamp is not valid; one that is taken away whole cannot be missed."""
    members = document_with_stamp()
    content = data.draw(mutated(members[SIGNED_VALUE]))
    assume(content != members[SIGNED_VALUE])
    assert verdict_with(members, SIGNED_VALUE, content).outcome is not Outcome.VALID


UNNOTICED = {
    "absent parameters for NULL": lambda value: replaced(value, DIGEST_PARAMETERS, b""),
    "a further certificate": lambda value: appended(value, CERTIFICATES, cast().maker.certificate.encoded),
    "the other identifier of plain data": lambda value: replaced(value, CONTENT_TYPE, oid("1.2.840.113549.1.7.1")),
}
DIGEST_PARAMETERS, CERTIFICATES, CONTENT_TYPE = (1, 0, 1, 0, 1), (1, 0, 3), (1, 0, 2, 0)


@pytest.mark.parametrize("what", UNNOTICED)
def test_what_may_change_unnoticed_in_a_signed_data_changes_nothing(what: str) -> None:
    """This is the whole list of what nobody signs and more than one spelling is in use of."""
    variant = "type Sign without attributes"
    members = members_of(variant)
    changed = UNNOTICED[what](members[SIGNED_VALUE])
    assert changed != members[SIGNED_VALUE]
    assert verdict_with(members, SIGNED_VALUE, changed, variant) == verdict_with(
        members, INDEX, members[INDEX], variant
    )


@QUICK
@given(data=st.data())
def test_a_damaged_package_is_never_valid_with_other_content(data: st.DataObject) -> None:
    """Bytes of the package may change without meaning; content may not."""
    damage_package(data.draw(mutated(package())))


@QUICK
@given(data=st.data())
def test_damage_near_the_directory_of_the_package_is_no_way_in(data: st.DataObject) -> None:
    """The end of a ZIP decides what it contains, so damage there is tried more often than chance would."""
    head, tail = package()[:-1_500], package()[-1_500:]
    damage_package(head + data.draw(mutated(tail)))


@QUICK
@given(st.data())
def test_a_document_cut_short_is_never_valid(data: st.DataObject) -> None:
    """A prefix of a document is no document."""
    assert outcome(package()[: data.draw(st.integers(0, len(package()) - 1))]) is not Outcome.VALID


@QUICK
@given(st.data())
def test_two_members_exchanged_are_never_valid(data: st.DataObject) -> None:
    """A digest is of one place: content that moves to another place breaks it."""
    members = members_of("version 4")
    one, other = data.draw(st.lists(st.sampled_from(sorted(members)), min_size=2, max_size=2, unique=True))
    assume(members[one] != members[other])
    changed = {**members, one: members[other], other: members[one]}
    assert outcome(encode_package(changed)) is not Outcome.VALID


@QUICK
@given(st.data())
def test_a_member_taken_out_is_never_valid(data: st.DataObject) -> None:
    """Everything in a valid document is needed."""
    gone = data.draw(st.sampled_from(sorted(members_of("version 4"))))
    kept = {path: content for path, content in members_of("version 4").items() if path != gone}
    assert outcome(encode_package(kept)) is not Outcome.VALID


@QUICK
@given(
    st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=40),
    st.binary(max_size=40),
)
@example("Doc_0/Pages/Page_9/Content.xml", b"<Page/>")
@example("META-INF/container.xml", b"")
def test_a_member_put_in_is_never_valid(name: str, content: bytes) -> None:
    """Nothing can be added to a sealed document, under whatever name."""
    assume(name not in members_of("version 4") and not name.endswith("/"))
    assert verdict_with(members_of("version 4"), name, content).outcome is not Outcome.VALID


@QUICK
@given(
    st.binary(max_size=2_000), st.sampled_from((b"", b"PK\x03\x04", b"\x30\x82", b"\x30\x80", b"\x30\x0a\x16\x02ES"))
)
def test_random_bytes_are_never_valid(content: bytes, beginning: bytes) -> None:
    """Bytes that nobody sealed are invalid, also where they begin like one of our formats."""
    assert outcome(beginning + content) is Outcome.INVALID


@pytest.mark.slow
@THOROUGH
@given(data=st.data())
def test_damage_at_length(data: st.DataObject) -> None:
    """The same, thousands of times: any member of any variant."""
    variant = data.draw(st.sampled_from(list(VARIANTS)))
    damage_member(data, variant, data.draw(st.sampled_from(sorted(members_of(variant)))))


@pytest.mark.slow
@THOROUGH
@given(data=st.data())
def test_damaged_packages_at_length(data: st.DataObject) -> None:
    """The same for the bytes of the package."""
    damage_package(data.draw(mutated(package())))


@pytest.mark.slow
@pytest.mark.parametrize("variant", list(VARIANTS))
def test_every_single_byte_of_a_signed_value_counts(variant: str) -> None:
    """Each byte of a SignedValue.dat, flipped or being the first to be cut off, changes the verdict."""
    value = members_of(variant)[SIGNED_VALUE]
    for position in range(len(value)):
        changed = value[:position] + bytes((value[position] ^ 1,)) + value[position + 1 :]
        judge_damage(variant, SIGNED_VALUE, changed)
    for end in range(len(value)):
        judge_damage(variant, SIGNED_VALUE, value[:end])
