"""What the commands of ``tongban policy`` share: where policies are read from, and how failures are said."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.markup import escape

from gateway.cli import failure
from gateway.cli.console import ERR, ExitCode, print_json, printable
from gateway.cli.failure import UsageError, fail
from gateway.cli.language import say
from gateway.cli.site_settings import load_settings
from gateway.policy.draft import Draft, make_draft
from gateway.policy.folder import policies_of, read_policy_files
from gateway.policy.in_force import StateError
from gateway.policy.policy_site import PolicySite, SiteFaultsError
from gateway.trust.files import read_file, spell
from policies.bundle import MAX_BUNDLE_BYTES, Bundle, MalformedBundleError, parse_bundle
from policies.dimension import Context
from policies.fault import Place, PolicyError, PolicyFault, Words
from policies.loader import load_policy


def guard(run: Callable[[datetime], ExitCode], *, as_json: bool) -> ExitCode:
    """Guard a command as `gateway.cli.failure.guard` does; a policy with faults is INVALID, a site with some USAGE."""

    def judged(now: datetime) -> ExitCode:
        try:
            return run(now)
        except PolicyError as error:
            show_faults(error.faults, more=error.more, as_json=as_json)
        except MalformedBundleError as error:
            fail(
                f"bundle.{error.flaw}",
                say("不是可用的策略包", "this is no bundle that can be used"),
                str(error),
                as_json=as_json,
            )
            show_faults(error.faults, as_json=as_json)
        except StateError as error:
            fail(error.fault, tell(error.sentence), error.detail, place=error.place, as_json=as_json)
            return ExitCode.USAGE
        except SiteFaultsError as error:
            for one in error.faults:
                fail("site", say(one.sentence_zh, str(one)), str(one), as_json=as_json)
            return ExitCode.USAGE
        return ExitCode.INVALID

    return failure.guard(judged, as_json=as_json)


def tell(words: Words) -> str:
    """Return words in the language of the locale."""
    return say(words.zh, words.en)


def show_faults(faults: Iterable[PolicyFault], *, more: int = 0, as_json: bool) -> None:
    """Print the faults: with ``--json`` as objects on standard output, else on standard error."""
    for one in faults:
        if as_json:
            print_json({"error": "policy", **describe_fault(one)})
        else:
            ERR.print(escape(printable(say(one.sentence_zh, str(one)))))
    if more:
        ERR.print(say(f"另有 {more} 处错误。", f"and {more} more faults"))


def describe_fault(fault: PolicyFault) -> dict[str, Any]:
    """Return the JSON object of a fault."""
    return {
        "file": fault.file or None,
        "line": fault.line,
        "key": fault.key or None,
        "zh": fault.sentence_zh,
        "en": str(fault),
        "meant": fault.meant or None,
    }


def describe_context(context: Context | None) -> dict[str, str] | None:
    """Return the JSON object of a context."""
    return None if context is None else context._asdict()


def spell_context(context: Context) -> str:
    """Spell a context on a line."""
    return " ".join(f"{name}={value}" for name, value in context._asdict().items())


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A bundle that was read, and where its tables stand."""

    bundle: Bundle
    places: Mapping[str, Place] = field(default_factory=dict)

    def draft(self) -> Draft:
        """Compile and analyse it; raises PolicyError."""
        with working(say("正在分析", "analysing")):
            return make_draft(self.bundle, self.places)


def read_source(path: Path) -> Read:
    """Read the policy files of a folder, or a bundle.

    Raises:
        PolicyError, MalformedBundleError, OSError: it cannot be used.

    """
    with working(say("正在读取", "reading")):
        if path.is_dir():
            folder = policies_of(path)
            loaded = load_policy(read_policy_files(folder, name=spell(str(folder))))
            return Read(bundle=loaded.bundle, places=loaded.places)
        return Read(bundle=parse_bundle(read_file(path, MAX_BUNDLE_BYTES)))


def open_site(folder: Path) -> PolicySite:
    """Return the site, with the number of approvals that its settings ask for.

    Raises:
        UsageError: there is no such folder, or its settings are wrong.

    """
    if not folder.is_dir():
        raise UsageError(say(f"没有此文件夹：{folder}", f"there is no such folder: {folder}"))
    return PolicySite(folder, load_settings(folder).policy.approvals)


def read_in_force(site: PolicySite) -> Bundle | None:
    """Return the bundle in force, None where there is none; raises StateError."""
    pointer = site.archive.pointer()
    return None if pointer is None else site.archive.bundle(pointer.digest)


def read_one(path: Path | None, site: Path | None) -> Bundle:
    """Return the policy that is named: by its path, else what is in force in a site.

    Raises:
        UsageError: neither is named, or nothing is in force.

    """
    if path is not None:
        return read_source(path).bundle
    if site is None:
        raise UsageError(say("请指定策略，或 --site。", "name a policy, or --site"))
    bundle = read_in_force(open_site(site))
    if bundle is None:
        raise UsageError(say("该站点没有现行策略。", "no policy is in force in this site"))
    return bundle


@contextmanager
def working(text: str) -> Iterator[None]:
    """Say on a terminal what goes on, and nothing in a pipe."""
    if not ERR.is_terminal:
        yield
        return
    with ERR.status(text):
        yield
