"""``tongban store`` and the access log: a change stands in the log before it is made, or is not made."""

from contextlib import closing
from pathlib import Path

from gateway.audit.entry import MAX_SUBJECTS
from gateway.audit.leaf import LeafKind, parse_leaf
from gateway.audit.private import OpenedPart
from gateway.cli.console import ExitCode
from gateway.cli.site_settings import load_settings
from gateway.cli.store_commands import announce, import_files, set_status, show
from gateway.cli.store_entries import ANNOUNCE, draft_store_change
from gateway.log_site import open_place
from gateway.site_template import write_site
from gateway.sources.source import LicenceIndex
from policies.dimension import LicenceStatus
from tests.support.demo import NOW, demo_stock

ONE = next(one for one in demo_stock().licences if one.draft.annotation is None)


def entries(site: Path) -> list[tuple[dict[str, str | int], OpenedPart]]:
    """Return the entries about the store: what their leaves and their private parts say."""
    place = open_place(site, load_settings(site))
    found = []
    with closing(place.read(place.shards()[-1])) as log:
        for number, leaf in enumerate(map(parse_leaf, log.store.leaves(0, 1_000))):
            opened = log.private(number)
            if leaf.content.kind is LeafKind.ADMIN and opened is not None:
                found.append((dict(leaf.content.more), opened))
    return found


def test_every_change_is_an_entry(tmp_path: Path) -> None:
    """Import, announcement and status each leave an entry with the names of the licence sealed in it."""
    site = tmp_path / "site"
    write_site(site)
    demo_stock().authority.write_trust_folder(site / "trust", NOW)
    (tmp_path / ONE.name).write_bytes(ONE.document)
    assert import_files([str(tmp_path / ONE.name)], site=site, as_json=True) is ExitCode.DONE
    identifier = ONE.draft.identifier
    changed = set_status(
        identifier,
        site=site,
        status=LicenceStatus.SUSPENDED,
        reason="decision 7",
        is_under_objection=False,
        as_json=True,
    )
    assert changed is ExitCode.DONE
    assert announce(site=site, identifier="1.2.3", number="", licence_type="", name="", as_json=True) is ExitCode.DONE
    imported, suspended, announced = entries(site)
    assert (imported[0]["action"], suspended[0]["action"]) == ("store-import", "store-status")
    assert imported[0]["target"] == suspended[0]["target"] != "-"
    assert identifier in imported[1].part.licence
    assert imported[1].part.subjects == suspended[1].part.subjects
    assert imported[1].part.subjects
    assert suspended[1].part.context == ("status=suspended", "under-objection=false", "decision 7")
    assert announced[0] == {"action": "store-announce", "target": "-"}


def test_no_entry_no_change(tmp_path: Path) -> None:
    """Where the log takes nothing the store is left as it is."""
    write_site(tmp_path)
    assert announce(site=tmp_path, identifier="1.2.3", number="", licence_type="", name="", as_json=True) == 0
    place = open_place(tmp_path, load_settings(tmp_path))
    (place.folder(place.shards()[-1]) / "head").unlink()
    assert announce(site=tmp_path, identifier="1.2.4", number="", licence_type="", name="", as_json=True) == 2
    assert show("1.2.3", site=tmp_path, as_json=True) is ExitCode.DONE
    assert show("1.2.4", site=tmp_path, as_json=True) is ExitCode.INVALID


def test_many_holders_and_odd_types() -> None:
    """Every holder is named in some entry, and a type that no leaf can name stands in none."""
    holders = tuple(f"H-{number}" for number in range(MAX_SUBJECTS + 1))
    index = LicenceIndex(identifier="I", number="N", type_code="\u8425\u4e1a \u6267\u7167", name="", holders=holders)
    drafts = draft_store_change(ANNOUNCE, index, at=NOW)
    assert [draft.leaf.more["target"] for draft in drafts] == ["-", "-"]
    assert tuple(code for draft in drafts if draft.private for code in draft.private.subjects) == holders
