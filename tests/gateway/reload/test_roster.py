"""Which processes serve a site, as files in its state folder."""

import os
from dataclasses import replace
from pathlib import Path

from gateway.reload.roster import SERVING_FOLDER, Place, Standing, ask_to_reload, read_standings

STANDING = Standing(
    asked="", result="ok", since="2026-03-01T04:00:00Z", applied=("a",), restart=("b",), faults=(("c", "文", "text"),)
)


def test_whoever_serves_is_read_as_it_was_written(tmp_path: Path) -> None:
    """Each process has its own standing, a shorter one replaces a longer one, and it goes with the process."""
    one, other = Place(tmp_path), Place(tmp_path)
    assert read_standings(tmp_path) == {}
    one.write(STANDING)
    other.write(replace(STANDING, result="failed"))
    assert sorted(found.result for found in read_standings(tmp_path).values() if found) == ["failed", "ok"]
    one.write(replace(STANDING, applied=(), faults=()))
    other.close()
    assert list(read_standings(tmp_path).values()) == [replace(STANDING, applied=(), faults=())]
    one.close()
    assert read_standings(tmp_path) == {}


def test_what_a_dead_process_left_behind_counts_for_nothing(tmp_path: Path) -> None:
    """A file without a lock is removed; half of a file, which is just being written, is of a process all the same."""
    place = Place(tmp_path)
    place.write(STANDING)
    (tmp_path / SERVING_FOLDER / "1-left.json").write_text("{}")
    os.truncate(next((tmp_path / SERVING_FOLDER).glob(f"{os.getpid()}-*.json")), 20)
    assert list(read_standings(tmp_path).values()) == [None]
    assert not (tmp_path / SERVING_FOLDER / "1-left.json").exists()
    place.close()


def test_a_question_is_read_by_everybody(tmp_path: Path) -> None:
    """The word of whoever asked last is what all processes read."""
    place = Place(tmp_path)
    assert place.read_asked() == ""
    ask_to_reload(tmp_path)
    word = ask_to_reload(tmp_path)
    assert place.read_asked() == Place(tmp_path).read_asked() == word
