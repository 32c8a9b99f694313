"""How checks add up."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.reason import SENTENCES, Reason
from gateway.verdict import Check, CheckName, Outcome, Verdict, combine

outcomes = st.lists(st.sampled_from(Outcome), max_size=8)


@given(outcomes)
def test_invalid_wins_over_unknown_over_valid(found: list[Outcome]) -> None:
    """The sum is the worst of its parts, in any order, and nothing at all is unknown."""
    expected = (
        Outcome.INVALID
        if Outcome.INVALID in found
        else Outcome.UNKNOWN
        if Outcome.UNKNOWN in found or not found
        else Outcome.VALID
    )
    assert combine(found) is combine(reversed(found)) is expected


@given(outcomes, st.sampled_from([Outcome.INVALID, Outcome.UNKNOWN]))
def test_one_more_doubt_never_makes_it_valid(found: list[Outcome], doubt: Outcome) -> None:
    """Adding a check that did not pass never gives a valid sum."""
    assert combine([*found, doubt]) is not Outcome.VALID


def test_a_verdict_without_checks_is_unknown() -> None:
    """Nothing is called valid that was not checked."""
    assert Verdict(format=None, checks=()).outcome is Outcome.UNKNOWN


def test_reasons_come_once_with_the_invalid_ones_first() -> None:
    """What makes a document invalid is named before what could not be checked."""
    verdict = Verdict(
        format="ofd",
        checks=(
            Check(check=CheckName.MAKER_CHAIN, outcome=Outcome.UNKNOWN, reason=Reason.MAKER_CHAIN_UNKNOWN_ISSUER),
            Check(check=CheckName.TIMESTAMP, outcome=Outcome.INVALID, reason=Reason.TIMESTAMP_IN_FUTURE),
            Check(check=CheckName.REFERENCES, outcome=Outcome.INVALID, reason=Reason.REFERENCES_MISMATCH),
            Check(check=CheckName.REFERENCES, outcome=Outcome.INVALID, reason=Reason.REFERENCES_MISMATCH),
        ),
    )
    assert verdict.reasons == (
        Reason.REFERENCES_MISMATCH,
        Reason.TIMESTAMP_IN_FUTURE,
        Reason.MAKER_CHAIN_UNKNOWN_ISSUER,
    )


def test_every_reason_belongs_to_a_check_and_has_its_sentences() -> None:
    """A reason is named after its check, and speaks to people in both languages with a next step."""
    checks = {check.value for check in CheckName}
    for reason in Reason:
        assert reason.value.split(".")[0] in checks
        sentence = SENTENCES[reason]
        assert sentence.zh.endswith("。")
        assert sentence.next_zh.endswith("。")
        assert sentence.en.endswith(".")
        assert sentence.next_en.endswith(".")


def test_no_sentence_is_left_over() -> None:
    """reasons.toml holds exactly the reasons of the enum."""
    import tomllib  # noqa: PLC0415 - only this test reads the file itself
    from importlib import resources  # noqa: PLC0415

    table = tomllib.loads(resources.files("gateway").joinpath("reasons.toml").read_text(encoding="utf-8"))
    assert set(table["reason"]) == {reason.value for reason in Reason}
    assert set(table["next"]) == {entry["next"] for entry in table["reason"].values()}
