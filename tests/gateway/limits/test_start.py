"""How a site with limits starts."""

from pathlib import Path

import pytest

from gateway.cli.console import ExitCode
from gateway.cli.serve import serve
from gateway.limits.settings import CallerLimits, SheddingSettings
from gateway.site import SiteError, check_tokens_used_once, load_site
from gateway.site_template import write_site
from tests.support.facades import write_facade_site


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of a new site."""
    write_site(tmp_path / "site")
    return tmp_path / "site"


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def test_several_processes_need_redis_for_tokens_that_work_once(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Several workers that could not know together which tokens were used do not start, and say what to do."""
    change(folder / "callers" / "example.toml", '# tokens = "once"', 'tokens = "once"')
    assert serve(folder, port=0, workers=2) is ExitCode.USAGE
    said = capsys.readouterr().err
    assert "[redis]" in said
    assert "once" in said


def test_several_processes_need_redis_for_signed_requests(tmp_path: Path) -> None:
    """Nor does a site with a façade whose signed requests work once; one whose callers sign nothing does."""
    check_tokens_used_once(load_site(write_facade_site(tmp_path / "unsigned", "shandong")))
    site = load_site(write_facade_site(tmp_path / "signed", "zhejiang"))
    with pytest.raises(SiteError) as caught:
        check_tokens_used_once(site)
    assert [(fault.file, fault.key) for fault in caught.value.faults] == [("tongban.toml", "facade[1]")]


def test_the_template_states_the_defaults(folder: Path) -> None:
    """What a new site says of limits and overload is what one without a word would have."""
    settings = load_site(folder).settings
    assert settings.limits == CallerLimits()
    assert settings.shedding == SheddingSettings()


def test_limits_that_cannot_be(folder: Path) -> None:
    """Limits of a site that are out of bounds, or misspelt, stop the start."""
    change(folder / "tongban.toml", "burst = 400", "burst = 0\nbursts = 1")
    change(folder / "tongban.toml", "log_waiting = 512", "log_waiting = 0")
    with pytest.raises(SiteError) as caught:
        load_site(folder)
    assert [fault.key for fault in caught.value.faults] == ["limits.burst", "limits.bursts", "shedding.log_waiting"]
