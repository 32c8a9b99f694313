"""What differs between the site in force and the one that is written, and what of it can be put in force now."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from itertools import chain
from typing import Final

from gateway.adapters.access import SystemAccess
from gateway.audit.alarms.reading import ALARMS_FILE, WATCHLISTS_FOLDER
from gateway.audit.witness.folder import WITNESS_FOLDER
from gateway.reload.files import SiteFiles
from gateway.settings import Settings
from gateway.site import SETTINGS_FILE, Site

# Tables of the settings that are asked for anew with every request; all others are built into the process.
RELOADED_TABLES: Final = frozenset({"limits", "sources", "facades", "credentials", "reload"})
_NAMES: Final = {"facades": "facade"}  # where a table is not called as the field
_GATEWAY: Final = frozenset({"name", "name_zh", "region", "audience", "reload"})  # keys of [gateway]
_OF_LOG: Final = (f"{SETTINGS_FILE}: gateway.region", f"{SETTINGS_FILE}: [audit]")
# What the process that writes the log works by.
_FIXED_FILES: Final = (ALARMS_FILE, f"{WATCHLISTS_FOLDER}/", f"{WITNESS_FOLDER}/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Names of files, and of tables and keys of the settings: what can be put in force, and what takes a restart."""

    applied: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()


def compare_sites(present: Site, written: Site) -> Changes:
    """Return what is written otherwise than it is in force."""
    tables = list(_changed_tables(present.settings, written.settings))
    files = [one for one in _changed_files(present.files, written.files) if one != SETTINGS_FILE]
    applied = [_name_table(one) for one in tables if one in RELOADED_TABLES]
    applied += [one for one in files if not _is_fixed(one)]
    applied += _changed_secrets(present, written)
    restart = [_name_table(one) for one in tables if one not in RELOADED_TABLES]
    restart += [one for one in files if _is_fixed(one)]
    if present.pseudonym_master != written.pseudonym_master:
        restart.append(f"{SETTINGS_FILE}: policy.pseudonym_key")
    if _password(present) != _password(written):
        restart.append(f"{SETTINGS_FILE}: redis.password_file")
    return Changes(applied=tuple(dict.fromkeys(applied)), restart=tuple(dict.fromkeys(restart)))


def merge_sites(present: Site, written: Site) -> Site:
    """Return the written site as it can be put in force: what takes a restart stays as it is."""
    tables = {name: getattr(written.settings, name) for name in RELOADED_TABLES}
    return replace(
        written,
        settings=replace(present.settings, **tables),
        alarms=present.alarms,
        witnessing=present.witnessing,
        pseudonym_master=present.pseudonym_master,
        redis=present.redis,
        files=_merge_files(present.files, written.files),
    )


def select_of_log(changes: Changes) -> tuple[str, ...]:
    """Return those names of ``restart`` by which the process works that writes the log of several workers."""
    return tuple(one for one in changes.restart if one in _OF_LOG or _is_fixed(one))


def has_same_sources(present: Site, written: Site) -> bool:
    """Answer whether the same systems are asked, in the same way."""
    return (
        present.rules == written.rules
        and present.outages == written.outages
        and present.settings.sources == written.settings.sources
        and [one.adapter.digest for one in present.asked] == [one.adapter.digest for one in written.asked]
        and _accesses(present) == _accesses(written)
    )


def has_same_access(present: Site, written: Site) -> bool:
    """Answer whether what is kept of answers counts on: no system has another address or account, or less room."""
    before, after = _accesses(present), _accesses(written)
    same_room = present.settings.sources.kept_mib == written.settings.sources.kept_mib
    return same_room and all(before[name] == after[name] for name in before.keys() & after.keys())


def _accesses(site: Site) -> dict[str, SystemAccess]:
    return {one.name: one.access for one in site.asked}


def _changed_tables(present: Settings, written: Settings) -> Iterator[str]:
    for field in fields(Settings):
        if getattr(present, field.name) != getattr(written, field.name):
            yield field.name


def _name_table(field: str) -> str:
    """Return how a field of the settings is written in the file."""
    name = f"gateway.{field}" if field in _GATEWAY else f"[{_NAMES.get(field, field)}]"
    return f"{SETTINGS_FILE}: {name}"


def _changed_files(present: SiteFiles, written: SiteFiles) -> Iterator[str]:
    for path in sorted(present.digests.keys() | written.digests.keys()):
        if present.digests.get(path) != written.digests.get(path):
            yield path


def _changed_secrets(present: Site, written: Site) -> Iterator[str]:
    """Yield the systems and callers of which a secret is another one: it is in a file elsewhere."""
    for name in sorted(present.systems.keys() & written.systems.keys()):
        if present.systems[name].secrets != written.systems[name].secrets:
            yield f"systems.toml: {name}.secrets"
    before = {plan.settings.name: plan for plan in present.facades}
    for plan in written.facades:
        known = before.get(plan.settings.name)
        if known is not None and known.account.secrets != plan.account.secrets:
            yield f"callers/: {plan.caller.id}.secrets"


def _password(site: Site) -> str | None:
    return None if site.redis is None else site.redis.password


def _is_fixed(path: str) -> bool:
    return path.startswith(_FIXED_FILES)


def _merge_files(present: SiteFiles, written: SiteFiles) -> SiteFiles:
    """Return the digests of what is in force then."""
    kept = ((path, digest) for path, digest in present.digests.items() if _is_fixed(path))
    new = ((path, digest) for path, digest in written.digests.items() if not _is_fixed(path))
    return SiteFiles(mark=written.mark, digests=dict(chain(kept, new)))
