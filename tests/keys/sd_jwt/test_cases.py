"""Every way in which a credential can be wrong is refused, for the reason that it is wrong."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keys.sd_jwt.errors import SdJwtError, SdJwtFault
from keys.sd_jwt.public_key import read_public_key
from keys.sd_jwt.verification import IssuerKey
from tests.keys.sd_jwt import build_vectors
from tests.keys.sd_jwt.cases import all_cases
from tests.keys.sd_jwt.credentials import DAY, ISSUER, NOW, QUESTION, verify
from tests.keys.sd_jwt.parts import ISSUER_KEY, Parts

CASES = {case.id: case for case in all_cases()}


def find_key(issuer, key_id):
    if (issuer, key_id) != (ISSUER, ISSUER_KEY.key_id):
        return None
    return IssuerKey(key=read_public_key(ISSUER_KEY.public_key), valid_from=NOW - DAY, valid_until=NOW + DAY)


def outcome(text: str, *, asks_for_binding: bool) -> str:
    try:
        verify(text, issuers=find_key, question=QUESTION if asks_for_binding else None)
    except SdJwtError as error:
        return error.fault
    return ""


@pytest.mark.parametrize("name", CASES)
def test_case(name):
    """A case comes to what its file says."""
    case = CASES[name]
    assert outcome(case.text, asks_for_binding=case.asks_for_binding) == case.fault


def test_every_fault_has_a_case():
    """There is no reason for which nothing is ever refused; a holder alone looks for claims that are not there."""
    assert set(SdJwtFault) - {case.fault for case in CASES.values()} == {SdJwtFault.NO_SUCH_CLAIM}


def test_the_file_is_what_the_script_writes():
    """The published cases are those of the script."""
    assert build_vectors.FILE.read_text(encoding="utf-8") == build_vectors.build()


def bound() -> str:
    parts = Parts.valid()
    parts.is_bound = True
    return parts.encode()


BOUND = bound()


@given(position=st.integers(0, len(BOUND) - 1), character=st.characters(min_codepoint=32, max_codepoint=126))
@settings(max_examples=300)
def test_any_changed_character(position, character):
    """Whatever one character of a presentation is changed to, it is not accepted."""
    changed = BOUND[:position] + character + BOUND[position + 1 :]
    assert (outcome(changed, asks_for_binding=True) == "") is (changed == BOUND)


@given(start=st.integers(0, len(BOUND)), end=st.integers(0, len(BOUND)))
def test_any_part(start, end):
    """A part of a presentation is not a presentation."""
    part = BOUND[min(start, end) : max(start, end)]
    assert (outcome(part, asks_for_binding=True) == "") is (part == BOUND)


@given(text=st.text(st.sampled_from("eyJ~.=A\x00é{}[]"), max_size=60))
def test_garbage(text):
    """Garbage raises the one error of credentials."""
    assert outcome(text, asks_for_binding=False) != ""


@given(
    payload=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=3),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["_sd", "...", "_sd_alg", "exp", "cnf", "jwk", "a"]), inner, max_size=4)
        ),
        max_leaves=10,
    )
)
def test_garbage_that_an_issuer_signed(payload):
    """A trusted issuer that writes nonsense raises the one error of credentials, or says nothing of the format."""
    parts = Parts.valid()
    parts.payload = {**parts.payload, **payload} if isinstance(payload, dict) else {"iss": ISSUER, "a": payload}
    parts.disclosures = []
    assert outcome(parts.encode(), asks_for_binding=False) in {"", *SdJwtFault}
