"""The second opinion: agreement changes nothing, disagreement is no answer, and a failing second stack is neither."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keys import second_opinion
from keys.chain import build_chain
from keys.encoding import encode_signature, parse_signature
from keys.errors import LibraryUnusableError, SignatureFault, SignatureVerificationError
from keys.second_opinion import DRAW_BITS, Opinion, SecondOpinion, SecondStackError, verify_known_answers, z_value
from keys.signature import ECDSA_WITH_SHA256, SM2_WITH_SM3, SignatureEncoding
from keys.sm2 import CURVE_ORDER, DEFAULT_USER_ID, Sm2PrivateKey
from keys.tongsuo import TongsuoStack
from keys.trust import Anchor, Purpose, TrustStore
from tests.support import pki, sm2_arithmetic
from tests.support.sm2_stacks import Tongsuo, product_says

MESSAGE = b"message"
KEY = Sm2PrivateKey.from_scalar(12345)
SIGNATURE = KEY.sign(MESSAGE)


class Stack:
    """A second stack that is right, unless it is told what to say; it knows what it was asked."""

    name = "a stack for tests"

    def __init__(self, answer=None):
        self.answer = answer
        self.asked = []

    def is_signed(self, point, message, signature):
        """Answer as told, or with the truth."""
        self.asked.append((point, message, signature))
        if isinstance(self.answer, Exception):
            raise self.answer
        spki = second_opinion.Sm2PublicKey.from_point(point).spki
        return product_says(spki, message, signature, DEFAULT_USER_ID) if self.answer is None else self.answer


def make(answer=None, *, share=1.0, draw=None):
    """Return an opinion by a stack that turns to ``answer`` after its known answers, the stack, and what is watched."""
    stack, seen = Stack(), []
    knobs = {} if draw is None else {"draw": draw}
    opinion = SecondOpinion(stack, share=share, watch=lambda *one: seen.append(one), **knobs)
    stack.asked.clear()
    stack.answer = answer
    return opinion, stack, seen


def verify(opinion, **changes):
    values = {"message": MESSAGE, "signature": SIGNATURE, "algorithm": SM2_WITH_SM3, "spki": KEY.public_key.spki}
    return opinion.verify_signature(**(values | changes))


def fault_of(opinion, **changes):
    with pytest.raises(SignatureVerificationError) as caught:
        verify(opinion, **changes)
    return caught.value.fault


def test_agreement_changes_nothing():
    """Where both stacks agree, the answer is that of the first one alone, good or bad."""
    opinion, stack, seen = make()
    assert verify(opinion) is SignatureEncoding.DER
    assert fault_of(opinion, message=b"other") is SignatureFault.BAD
    assert [one for one, _ in seen] == [Opinion.AGREED, Opinion.AGREED]
    assert stack.asked[0] == (KEY.public_key.point, MESSAGE, SIGNATURE)


@pytest.mark.parametrize(("message", "first"), [(MESSAGE, True), (b"other", False)])
def test_a_disagreement_is_no_answer(message, first):
    """Whichever stack says yes, a disagreement is DISPUTED, and reported with what repeats it but the message."""
    opinion, _, seen = make(answer=not first)
    assert fault_of(opinion, message=message) is SignatureFault.DISPUTED
    ((word, case),) = seen
    assert word is Opinion.DISAGREED
    assert (case.first, case.second) == (first, not first)
    assert (case.spki, case.user_id, case.signature) == (KEY.public_key.spki, DEFAULT_USER_ID, SIGNATURE)
    assert (case.first_stack[:7], case.second_stack) == ("OpenSSL", Stack.name)
    point = (int.from_bytes(KEY.public_key.point[1:33]), int.from_bytes(KEY.public_key.point[33:]))
    assert case.z == sm2_arithmetic.z_value(point)
    assert int.from_bytes(case.digest) == sm2_arithmetic.digest(point, message)
    assert not any(message in value for value in (case.z, case.digest, case.spki))


def test_a_failing_second_stack_is_no_disagreement():
    """When the second stack gives no answer the first one's stands, and the failure is counted."""
    opinion, _, seen = make(answer=SecondStackError("out of memory"))
    assert verify(opinion) is SignatureEncoding.DER
    assert fault_of(opinion, message=b"other") is SignatureFault.BAD
    assert seen == [(Opinion.FAILED, None)] * 2


@pytest.mark.parametrize(
    "changes",
    [
        {"signature": b"garbage"},
        {"spki": b"garbage"},
        {"algorithm": "1.2.3"},
        {"spki": pki.ed25519_key().spki},
        {"algorithm": ECDSA_WITH_SHA256},
    ],
)
def test_what_our_own_code_refuses_is_not_put_to_vote(changes):
    """An unreadable signature or key, or an algorithm that does not fit, is refused without the second stack."""
    opinion, stack, seen = make(answer=True)
    assert fault_of(opinion, **changes) is not SignatureFault.DISPUTED
    assert not stack.asked
    assert not seen


def test_other_algorithms_are_not_repeated():
    """Only SM2 is repeated."""
    opinion, stack, _ = make(answer=False)
    key = pki.p256_key()
    verify(opinion, signature=key.sign(MESSAGE), spki=key.spki, algorithm=ECDSA_WITH_SHA256)
    assert not stack.asked


def test_other_user_ids_are_said_not_to_be_asked():
    """The second stack knows the usual user id only; others are counted as not asked, and the first answer stands."""
    opinion, stack, seen = make(answer=False)
    verify(opinion, signature=KEY.sign(MESSAGE, user_id=b"other"), user_id=b"other")
    assert not stack.asked
    assert seen == [(Opinion.NOT_ASKED, None)]


def test_the_second_stack_gets_the_one_spelling():
    """Raw and padded signatures reach the second stack as minimal DER, since spelling is not what is asked."""
    opinion, stack, _ = make()
    r, s, _ = parse_signature(SIGNATURE, CURVE_ORDER)
    assert verify(opinion, signature=r.to_bytes(32) + s.to_bytes(32)) is SignatureEncoding.RAW
    assert stack.asked[0][2] == SIGNATURE


def spellings():
    """Return one {r, s} in many readable spellings."""
    r, s, _ = parse_signature(SIGNATURE, CURVE_ORDER)
    yield r.to_bytes(32) + s.to_bytes(32)
    for before_r in range(8):
        for before_s in range(8):
            parts = [bytes(zeros) + n.to_bytes(n.bit_length() // 8 + 1) for n, zeros in ((r, before_r), (s, before_s))]
            yield pki.sequence(*(pki.tlv(0x02, part) for part in parts))


def repeated(share, signatures, **knobs):
    """Return how often each signature was repeated when all were verified twenty times."""
    opinion, stack, _ = make(share=share, **knobs)
    counts = []
    for signature in signatures:
        stack.asked.clear()
        for _ in range(20):
            verify(opinion, signature=signature)
        counts.append(len(stack.asked))
    return counts


def test_each_verification_is_drawn_by_itself():
    """No spelling and no signature is always or never repeated: neither timing nor spelling tells about the next."""
    signatures = [*spellings(), *(KEY.sign(MESSAGE) for _ in range(5))]
    draws = Random(1)
    counts = repeated(0.5, signatures, draw=lambda: draws.getrandbits(DRAW_BITS))
    assert all(0 < count < 20 for count in counts)
    assert 0.45 < sum(counts) / (20 * len(counts)) < 0.55


def test_the_share_is_met_at_its_ends():
    """With a share of nothing nothing is repeated, with one of all everything, by the draw of the product itself."""
    assert repeated(0.0, [SIGNATURE]) == [0]
    assert repeated(1.0, [SIGNATURE]) == [20]
    assert 0 < sum(repeated(0.5, [SIGNATURE] * 10)) < 200


def test_what_was_disputed_is_repeated_every_time():
    """A signature that was disputed once is not left to the draw any more, in whatever spelling it comes back."""
    draws = iter([0])
    opinion, stack, seen = make(answer=False, share=0.5, draw=lambda: next(draws, 2**64 - 1))
    for signature in (SIGNATURE, *spellings()):
        assert fault_of(opinion, signature=signature) is SignatureFault.DISPUTED
    assert {word for word, _ in seen} == {Opinion.DISAGREED}
    stack.asked.clear()
    verify(opinion, signature=KEY.sign(MESSAGE))
    assert not stack.asked


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_absurd_settings_are_a_mistake_of_the_caller(share):
    """A share beyond 0..1 is refused."""
    with pytest.raises(ValueError, match="expected"):
        make(share=share)


@pytest.mark.parametrize("answer", [True, False, SecondStackError("no")])
def test_known_answers_or_no_start(answer):
    """A second stack that says yes to all, no to all, or nothing, is refused at the start by its name."""
    with pytest.raises(LibraryUnusableError, match="stack for tests"):
        verify_known_answers(Stack(answer))


def test_the_first_stack_is_put_to_its_known_answers_too(monkeypatch):
    """A first stack that is wrong at the start is named as the wrong one."""
    monkeypatch.setattr(second_opinion, "verify_signature", lambda **_: SignatureEncoding.DER)
    with pytest.raises(LibraryUnusableError, match="OpenSSL"):
        SecondOpinion(TruthfulStack(), share=1, watch=lambda *_: None)


class TruthfulStack:
    """Answers by the text of the standard, independent of the product."""

    name = "arithmetic"

    def is_signed(self, point, message, signature):
        """Answer by arithmetic."""
        key = (int.from_bytes(point[1:33]), int.from_bytes(point[33:]))
        try:
            r, s, _ = parse_signature(signature, CURVE_ORDER)
        except ValueError:
            return False
        return sm2_arithmetic.verify(key, sm2_arithmetic.digest(key, message), r, s)


def chain():
    root = pki.make_root()
    middle = root.issue_ca("Issuing CA")
    leaf = middle.issue("signer")
    store = TrustStore(anchors=(Anchor(certificate=root.certificate, purposes=frozenset(Purpose)),))
    return build_chain(leaf.certificate, store=store, purpose=Purpose.SIGNER, at=pki.NOW, extra=[middle.certificate])


def test_the_links_of_a_chain_are_confirmed_once():
    """Both links of a chain are repeated the first time, and remembered when they were confirmed."""
    opinion, stack, _ = make()
    found = chain()
    assert opinion.find_disputed_link(found) is None
    assert len(stack.asked) == 2
    assert opinion.find_disputed_link(found) is None
    assert len(stack.asked) == 2


def test_a_link_without_an_answer_is_not_confirmed():
    """When the second stack gives no answer about a link, the link stands and is asked about again the next time."""
    opinion, stack, seen = make(answer=SecondStackError("down"))
    found = chain()
    for _ in range(3):
        assert opinion.find_disputed_link(found) is None
    assert len(stack.asked) == 6
    assert {word for word, _ in seen} == {Opinion.FAILED}
    stack.answer = False
    assert opinion.find_disputed_link(found) == found.certificates[0]


def test_a_disputed_link_is_found_and_not_remembered():
    """A link that the second stack refuses is named, and asked again the next time, since faults may pass."""
    opinion, stack, _ = make(answer=False)
    found = chain()
    assert opinion.find_disputed_link(found) == found.certificates[0]
    stack.answer = None
    assert opinion.find_disputed_link(found) is None


def test_z_is_that_of_the_standard():
    """Z is computed as the text of the standard says, for any user id."""
    key = sm2_arithmetic.SM2.generator
    point = b"\x04" + key[0].to_bytes(32) + key[1].to_bytes(32)
    for user_id in (DEFAULT_USER_ID, b"ALICE123@YAHOO.COM", bytes(8191)):
        assert z_value(point, user_id) == sm2_arithmetic.z_value(key, user_id)


@pytest.fixture(name="tongsuo")
def _tongsuo():
    Tongsuo()  # skips in words where there is no wheel
    return TongsuoStack()


def test_tongsuo_passes_its_known_answers(tongsuo):
    """Tongsuo is a second stack: it knows its answers, its name and its version."""
    verify_known_answers(tongsuo)
    assert tongsuo.name.startswith("Tongsuo by tongsuopy ")


def test_tongsuo_refuses_a_key_or_gives_no_answer(tongsuo):
    """A point off the curve has signed nothing; a signature that is no DER, which it is never given, is no answer."""
    assert not tongsuo.is_signed(b"\x04" + bytes(63) + b"\x01", MESSAGE, SIGNATURE)
    with pytest.raises(SecondStackError):
        tongsuo.is_signed(KEY.public_key.point, MESSAGE, b"garbage")
    with pytest.raises(SecondStackError):
        tongsuo.is_signed(None, MESSAGE, SIGNATURE)


def test_a_missing_package_is_said_in_words(monkeypatch):
    """Without the optional package the text says which extra to install."""

    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr("keys.tongsuo.import_module", missing)
    with pytest.raises(LibraryUnusableError, match=r"tongban\[second-opinion\]"):
        TongsuoStack()


NUMBERS = st.one_of(
    st.integers(1, CURVE_ORDER - 1),
    st.sampled_from([1, 2, CURVE_ORDER - 1, CURVE_ORDER - 2, 1 << 255, (1 << 248) - 1]),
)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, CURVE_ORDER - 2), st.binary(max_size=200), st.data())
def test_two_stacks_agree_on_anything(scalar, message, data):
    """Whatever key, message and signature, mutated or made up, both stacks give one answer; nothing is disputed."""
    _try_anything(scalar, message, data)


@pytest.mark.slow
@settings(max_examples=5_000, deadline=None)
@given(st.integers(1, CURVE_ORDER - 2), st.binary(max_size=2000), st.data())
def test_two_stacks_agree_on_anything_for_long(scalar, message, data):
    """As above, five thousand times."""
    _try_anything(scalar, message, data)


def _try_anything(scalar, message, data):
    tongsuo = _cached_stack()
    key = Sm2PrivateKey.from_scalar(scalar)
    spki, point = key.public_key.spki, key.public_key.point
    e = sm2_arithmetic.digest((int.from_bytes(point[1:33]), int.from_bytes(point[33:])), message)
    try:
        signature = encode_signature(*sm2_arithmetic.sign(scalar, e, data.draw(NUMBERS)))
    except ValueError:  # a nonce that will not do
        return
    kind = data.draw(st.sampled_from(["honest", "numbers", "signature", "message", "key", "s"]))
    r, s, _ = parse_signature(signature, CURVE_ORDER)
    if kind == "numbers":
        signature = encode_signature(data.draw(NUMBERS), data.draw(NUMBERS))
    elif kind == "s":
        signature = encode_signature(r, data.draw(st.sampled_from([CURVE_ORDER - r, CURVE_ORDER - s, s ^ 1, r])))
    elif kind == "signature":
        signature = _mutate(signature, data)
    elif kind == "message":
        message = data.draw(st.binary(max_size=200))
    elif kind == "key":
        spki = _mutate(spki, data)
    seen = []
    opinion = _opinion(tongsuo, seen)
    fault = None
    try:
        verify(opinion, message=message, signature=signature, spki=spki)
    except SignatureVerificationError as error:
        fault = error.fault
    assert fault is not SignatureFault.DISPUTED
    assert {word for word, _ in seen} <= {Opinion.AGREED}
    if kind == "honest":
        assert fault is None
        assert seen


def _mutate(value, data):
    place = data.draw(st.integers(0, len(value) - 1))
    return value[:place] + bytes((value[place] ^ data.draw(st.integers(1, 255)),)) + value[place + 1 :]


_stacks: list[TongsuoStack] = []


def _cached_stack():
    if not _stacks:
        Tongsuo()
        _stacks.append(TongsuoStack())
    return _stacks[0]


def _opinion(stack, seen):
    return SecondOpinion(stack, share=1, watch=lambda *one: seen.append(one))
