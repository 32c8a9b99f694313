"""One thing that is wrong with the small policy, and the fault that it is."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from policies.fault import PolicyError
from policies.loader import load_policy
from tests.support.policy import added, changed

RULE = '[[rule]]\nid = "R-0{}"\nwhy = "x"\nbasis = "x"\n'
HEAD = 'id = "R-010"\n'


def faults_of(files):
    with pytest.raises(PolicyError) as caught:
        load_policy(files)
    assert caught.value.more == 0
    return caught.value.faults


def edit(file, old, new):
    return lambda: changed(file, old, new)


def rule(text, number=11):
    return lambda: added("rules.toml", RULE.format(number) + text)


def more(file, text):
    return lambda: added(file, text)


CATALOGUE, ITEMS, RULES, LIMITS = "catalogue.toml", "items.toml", "rules.toml", "limits.toml"
ANY = 'item = ["34-001"]\nlicence = { type = ["id-card"] }\n'

# What is broken: (files, file, key, expected, found, meant).
Breakage = tuple[Callable[[], Any], str, str, str, str, str]


def check_breakage(breakage: Breakage) -> None:
    """Fail unless what is broken is one fault, at its place and in its words."""
    files, file, key, expected, found, meant = breakage
    (fault,) = faults_of(files())
    assert (fault.file, fault.key) == (file, key)
    assert fault.line is not None
    assert expected in fault.expected.en
    assert found in fault.found.en
    assert fault.meant == meant
    assert re.search("[\u4e00-\u9fff]", fault.sentence_zh)
