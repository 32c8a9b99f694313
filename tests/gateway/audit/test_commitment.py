"""Commitments: fixed, salted, and each opened alone."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.commitment import derive_salt, is_opened_by, make_commitment, make_seeds
from gateway.audit.entry import (
    DIGEST_SIZE,
    PrivatePart,
    Salts,
    SubjectId,
    commit_private,
    committed_values,
    make_private,
)

SALT = bytes(range(16))


def test_the_form_is_that_of_the_design() -> None:
    """A commitment is SHA-256 over 0x11, the salt and the value."""
    assert make_commitment(SALT, b"value") == sha256(b"\x11" + SALT + b"value").digest()


@given(salt=st.binary(min_size=16, max_size=16), value=st.binary(), other=st.binary())
def test_only_its_own_value_opens_it(salt: bytes, value: bytes, other: bytes) -> None:
    """A commitment is opened by its salt and value, and by no other value."""
    commitment = make_commitment(salt, value)
    assert is_opened_by(commitment, salt=salt, value=value)
    assert is_opened_by(commitment, salt=salt, value=other) == (value == other)


@pytest.mark.parametrize("salt", [b"", SALT[:15], SALT + b"x"])
def test_salts_have_one_size(salt: bytes) -> None:
    """Otherwise bytes could move between salt and value."""
    assert not is_opened_by(make_commitment(SALT, b""), salt=salt, value=b"")
    with pytest.raises(ValueError, match="16 bytes"):
        make_commitment(salt, b"")


def test_seeds_are_fresh() -> None:
    """No two are equal."""
    assert len({*make_seeds(5), *make_seeds(5)}) == 10


@given(seed=st.binary(min_size=16, max_size=16))
def test_the_form_of_a_salt_is_that_of_the_documentation(seed: bytes) -> None:
    """A salt is the beginning of SHA-256 over 0x12, the name and the seed; each name has another."""
    salts = Salts(subject=seed, official=seed)
    derived = {
        name: sha256(b"\x12" + name.encode() + seed).digest()[:16] for name in ("op", "case", "lic", "subj", "resp")
    }
    assert {name: getattr(salts, name) for name in derived} == derived
    assert {name: derive_salt(seed, name) for name in derived} == derived
    assert len({*derived.values(), seed}) == 6


def test_the_halves_have_seeds_of_their_own() -> None:
    """Whose seed is erased has salts no more, which open nothing; the others stay."""
    salts = Salts(subject=b"", official=SALT)
    assert (salts.lic, salts.subj, salts.resp) == (b"", b"", b"")
    assert (salts.op, salts.case) == (derive_salt(SALT, "op"), derive_salt(SALT, "case"))
    made = make_private().salts
    assert len({made.op, made.case, made.lic, made.subj, made.resp}) == 5


@pytest.mark.parametrize(("subject", "official"), [(SALT[:15], SALT), (SALT, SALT + b"x")])
def test_seeds_have_one_size(subject: bytes, official: bytes) -> None:
    """A seed is whole, or erased."""
    with pytest.raises(ValueError, match="16 bytes"):
        Salts(subject=subject, official=official)


def test_each_value_of_a_private_part_has_its_own_commitment() -> None:
    """What is absent is not committed to; what is there is opened with its own salt."""
    part = make_private(
        subjects=[SubjectId("a"), SubjectId("b")], official="o", licence="l", response=b"r" * DIGEST_SIZE
    )
    commits = commit_private(part)
    assert commits.case is None
    for name, value in committed_values(part).items():
        assert is_opened_by(getattr(commits, name), salt=getattr(part.salts, name), value=value)


@pytest.mark.parametrize(
    "changes",
    [
        {"official": "a\0b"},
        {"case": "x" * 257},
        {"subjects": ("",)},
        {"subjects": tuple(map(str, range(65)))},
        {"subjects": ("x" * 73,)},
        {"context": ("x",) * 33},
        {"response": b"short"},
    ],
)
def test_what_cannot_be_sealed_is_refused(changes: dict[str, object]) -> None:
    """A private part has bounds, and its texts have no NUL."""
    salts = make_private().salts
    with pytest.raises(ValueError, match="expected"):
        PrivatePart(salts=salts, **changes)  # type: ignore[arg-type]  # one wrong thing at a time
