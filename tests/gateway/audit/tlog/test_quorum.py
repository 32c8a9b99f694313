"""Policies: one quorum, in which every witness counts once, and which more cosignatures can only reach."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.audit.errors import LogFault, LogFlaw, MalformedLogDataError, UnprovenError
from gateway.audit.tlog.checkpoint import parse_checkpoint
from gateway.audit.tlog.note_key import NoteKey, SignatureType
from gateway.audit.tlog.quorum import (
    MAX_POLICY,
    NO_QUORUM,
    Group,
    Policy,
    PolicyLog,
    Witness,
    encode_policy,
    parse_policy,
    verify_witnessed,
)
from tests.support.tlog import LOG_KEY, LOG_SM2_KEY, WITNESS_KEYS, format_cases
from tests.vectors.tlog_artefacts import CHECKPOINT, COSIGNED_AT, LOG, POLICY, WITNESSES

SIGNED = parse_checkpoint(CHECKPOINT.encode())
TWO_OF_THREE = parse_policy(POLICY.encode())


@st.composite
def policies(draw):
    """Draw a policy: witnesses, groups of what is not in a group yet, and a quorum."""
    names = [f"w{number}" for number in range(draw(st.integers(1, 6)))]
    witnesses = tuple(
        Witness(name=name, key=NoteKey(name, SignatureType.COSIGNATURE, bytes((number,)) * 32))
        for number, name in enumerate(names)
    )
    free, groups = list(names), []
    for number in range(draw(st.integers(0, 4))):
        members = draw(st.lists(st.sampled_from(free), min_size=1, unique=True)) if free else []
        if members:
            groups.append(
                Group(name=f"g{number}", threshold=draw(st.integers(1, len(members))), members=tuple(members))
            )
            free = [name for name in free if name not in members] + [f"g{number}"]
    urls = draw(st.lists(st.none() | st.just("https://gw.example/"), min_size=2, max_size=2))
    logs = tuple(PolicyLog(key=key, url=url) for key, url in zip((LOG_KEY, LOG_SM2_KEY), urls, strict=True))
    quorum = draw(st.sampled_from([*names, *(group.name for group in groups), NO_QUORUM]))
    return Policy(logs=logs, witnesses=witnesses, groups=tuple(groups), quorum=quorum)


def reached(policy, name, cosigners):
    """Say the same as `Policy.is_reached` from the top down."""
    if name == NO_QUORUM:
        return True
    for group in policy.groups:
        if group.name == name:
            return [reached(policy, member, cosigners) for member in group.members].count(True) >= group.threshold
    return name in cosigners


@format_cases("policy")
def test_policies(data, flaw):
    """A policy is read and means the same when written again, or is refused for its one flaw."""
    if flaw is None:
        policy = parse_policy(data)
        assert parse_policy(encode_policy(policy)) == policy
    else:
        with pytest.raises(MalformedLogDataError) as caught:
            parse_policy(data)
        assert caught.value.flaw == flaw


@given(policies())
def test_what_is_written_is_read(policy):
    """Any policy is read as it was written."""
    assert parse_policy(encode_policy(policy)) == policy


@given(st.binary(max_size=100) | st.text("logwitnesgruqm any2#\t\n", max_size=100).map(str.encode))
def test_garbage_raises_only_our_error(data):
    """Whatever is read as a policy has a quorum that it defines; everything else raises our error."""
    try:
        policy = parse_policy(data)
    except MalformedLogDataError:
        return
    assert parse_policy(encode_policy(policy)) == policy


@given(policies(), st.sets(st.sampled_from([f"w{number}" for number in range(6)])))
@settings(max_examples=200)
def test_the_quorum_is_what_the_groups_say(policy, cosigners):
    """From the bottom up or from the top down, a quorum is reached by the same sets of witnesses."""
    known = cosigners & {witness.name for witness in policy.witnesses}
    assert policy.is_reached(cosigners) is reached(policy, policy.quorum, known)


@given(policies(), st.sets(st.sampled_from([f"w{number}" for number in range(6)])), st.integers(0, 5))
def test_one_more_cosignature_never_harms(policy, cosigners, more):
    """A quorum that is reached stays reached with one more witness."""
    if policy.is_reached(cosigners):
        assert policy.is_reached(cosigners | {f"w{more}"})


def test_the_name_of_a_group_is_no_cosigner():
    """Whoever claims a group's name as that of a witness reaches nothing."""
    assert not TWO_OF_THREE.is_reached({"partners"})


def test_words_for_thresholds():
    """`any` means one, `all` means all, and both are written back as numbers."""
    witnesses = "".join(f"witness w{number} {key.vkey}\n" for number, key in enumerate(WITNESSES, start=1))
    policy = parse_policy(f"{witnesses}group g any w1 w2\ngroup h all g w3\nquorum h\n".encode())
    assert [group.threshold for group in policy.groups] == [1, 2]
    assert b"group g 1 w1 w2\ngroup h 2 g w3\n" in encode_policy(policy)


def test_enough_witnesses():
    """What satisfies a policy comes with the log's keys that signed and the witnesses' times."""
    witnessed = verify_witnessed(SIGNED, TWO_OF_THREE)
    assert witnessed.log_keys == (LOG_KEY,)
    assert witnessed.cosigned == {"w1": COSIGNED_AT, "w2": COSIGNED_AT}


def test_too_few_witnesses():
    """A quorum that is not reached is named with those who did cosign."""
    with pytest.raises(UnprovenError) as caught:
        verify_witnessed(SIGNED, replace(TWO_OF_THREE, quorum="w3"))
    assert (caught.value.fault, caught.value.detail) == (LogFault.TOO_FEW_WITNESSES, "cosigned by w1, w2")


def test_a_policy_without_logs_accepts_no_checkpoint():
    """Nobody is believed to be the log unless a line says so."""
    with pytest.raises(UnprovenError) as caught:
        verify_witnessed(SIGNED, replace(TWO_OF_THREE, logs=()))
    assert caught.value.fault is LogFault.UNSIGNED


def test_a_policy_is_bounded():
    """A policy beyond the bound is refused by its size alone, and the largest that must be read is within it."""
    with pytest.raises(MalformedLogDataError) as caught:
        parse_policy(b"\n" * (MAX_POLICY + 1))
    assert caught.value.flaw is LogFlaw.TOO_LARGE
    witnesses = tuple(
        Witness(
            name=f"w{at}", key=NoteKey(f"w{at}.example", SignatureType.COSIGNATURE, bytes((at,)) * 32), url="u" * 100
        )
        for at in range(32)
    )
    logs = tuple(PolicyLog(key=NoteKey("log", SignatureType.ED25519, bytes((at,)) * 32)) for at in range(32))
    groups = tuple(Group(name=f"g{at}", threshold=1, members=(f"w{at}",)) for at in range(32))
    policy = Policy(logs=logs, witnesses=witnesses, groups=groups, quorum="g31")
    assert parse_policy(encode_policy(policy)) == policy


@pytest.mark.parametrize(
    "change",
    [
        {"quorum": "nobody"},
        {"logs": (PolicyLog(key=LOG_KEY, url="two words"),)},
        {"logs": (PolicyLog(key=LOG_KEY, url="u\nquorum none"),)},
        {"logs": (PolicyLog(key=WITNESS_KEYS[0]),)},
        {"groups": (Group(name="partners", threshold=0, members=("w1",)),)},
        {"witnesses": (Witness(name="w1 ", key=WITNESS_KEYS[0]),), "groups": (), "quorum": "w1"},
    ],
    ids=repr,
)
def test_no_policy_is_written_that_means_something_else(change):
    """What would not be read as the same policy is not written."""
    with pytest.raises(ValueError, match="a policy"):
        encode_policy(replace(TWO_OF_THREE, **change))


def test_the_vectors_name_our_log():
    """The policy of the vectors, which other code wrote, names its log and witnesses."""
    assert [log.key.name for log in TWO_OF_THREE.logs] == [LOG.name]
    assert [witness.key for witness in TWO_OF_THREE.witnesses] == list(WITNESS_KEYS)
