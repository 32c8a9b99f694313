"""Names of policies that once decided: each is read once, and one that cannot be read is tried again."""

from pathlib import Path

import pytest

from gateway.holder.names import NO_NAMES, PROVINCES, BundleNames, reads_bundles
from gateway.policy.keeper import PolicyKeeper
from policies.bundle import Bundle
from policies.forms.tables import PROVINCES as PROVINCE_NAMES
from tests.support.callers import NOW
from tests.support.policy_site import Bureau
from tests.support.sharing import in_force

POLICY = in_force()


def keeper(*, has_policy: bool = True) -> PolicyKeeper:
    return PolicyKeeper(None, clock=lambda: NOW, in_force=POLICY if has_policy else None)


def test_names_of_the_policy_in_force() -> None:
    """Items, types and fields have both names; fields are in the order of an entry's form."""
    names = BundleNames(reads_bundles(keeper(), None)).of(POLICY.digest)
    assert names.items["34-001"].zh == "不动产登记"
    card = names.licences["id-card"]
    assert card.name.en == "resident identity card"
    assert [field.zh for field in card.fields] == ["住址", "出生日期", "公民身份号码", "姓名", "照片", "证照状态"]


def test_an_older_policy_comes_from_the_archive(tmp_path: Path) -> None:
    """What is not in force any more still has its names; another digest has none."""
    bureau = Bureau(tmp_path)
    bureau.approve(*bureau.signers)
    settled = bureau.settle()
    assert settled.in_force is not None
    names = BundleNames(reads_bundles(keeper(has_policy=False), bureau.site.archive))
    assert names.of(settled.in_force.digest).items["34-001"].en == "registration of real estate"
    assert names.of("sha256:" + "0" * 64) is NO_NAMES


@pytest.mark.parametrize("digest", ["", "sha256:" + "0" * 64, "nonsense"])
def test_no_policy_no_names(digest: str) -> None:
    """A site without an archive knows what is in force, and nothing else."""
    assert BundleNames(reads_bundles(keeper(), None)).of(digest) is NO_NAMES


def test_a_policy_is_read_once_and_a_failure_again() -> None:
    """Names are kept; what could not be read is tried the next time."""
    asked: list[str] = []

    def read(digest: str) -> Bundle:
        asked.append(digest)
        if len(asked) == 1:
            raise KeyError(digest)
        return POLICY.bundle

    names = BundleNames(read)
    assert names.of("d") is NO_NAMES
    assert names.of("d") == names.of("d")
    assert asked == ["d", "d"]


def test_all_provinces_have_names() -> None:
    """The table has every division of the first level, under its own name."""
    assert {words.zh for words in PROVINCES.values()} == set(PROVINCE_NAMES)
    assert len(PROVINCES) == len(PROVINCE_NAMES)
