"""``tongban trust list|show|verify|diff|simulate|forecast``: what lists say and what they would change."""

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from gateway.cli.console import ERR, OUT, ExitCode, print_json, printable, progress_bar
from gateway.cli.failure import UsageError
from gateway.cli.inputs import Inputs, expand_inputs, read_input
from gateway.cli.language import say
from gateway.cli.trust_output import (
    describe_event,
    describe_list,
    say_findings,
    show_differences,
    show_flip,
    show_folder,
    show_list,
)
from gateway.cli.trust_support import find_place, guard, load_list, read_bytes
from gateway.trust.layout import ROOTS_FILE
from gateway.trust.lists import TrustState
from gateway.trust.roots import load_roots, parse_roots
from gateway.trust.sentences import UNTIMELY, ListProblem
from gateway.trust.simulation import Job, relied_on, simulate
from gateway.trust.succession import measure_change
from keys.trust_forecast import Event, Turn, forecast
from keys.trust_list import ListKeys, TrustList, trust_store
from keys.trust_list_compare import Effect, Holder, compare_trust_lists, holder_of
from keys.trust_list_verify import missing_signers, verify_trust_list

LOG: Final = "log"  # --against log
_FAR: Final = timedelta(days=3_650)


def list_trust(directory: Path, *, at: str | None, as_json: bool) -> ExitCode:
    """Print what a trust folder says; INVALID with a fault in it, UNKNOWN when a list is held or not in force."""

    def run(now: datetime) -> ExitCode:
        reading = find_place(directory).read(now)
        events = [event for event in _events(reading.state, now, _FAR) if event.turn is not Turn.START]
        show_folder(reading, at=now, next_event=events[0] if events else None, as_json=as_json)
        if reading.faults:
            return ExitCode.INVALID
        waits = UNTIMELY | {ListProblem.HELD, ListProblem.NOT_IN_FORCE}
        is_waiting = any(getattr(one, "problem", None) in waits for one in reading.findings)
        return ExitCode.UNKNOWN if is_waiting else ExitCode.DONE

    return guard(run, as_json=as_json, at=at)


def show(file: Path, *, as_json: bool) -> ExitCode:
    """Print a list; its signatures are not looked at."""

    def run(_: datetime) -> ExitCode:
        show_list(load_list(file), as_json=as_json)
        return ExitCode.DONE

    return guard(run, as_json=as_json)


def verify(file: Path, *, previous: Path | None, roots: Path | None, at: str | None, as_json: bool) -> ExitCode:
    """Verify a list against the one before it, or against root keys; INVALID when it is refused."""

    def run(now: datetime) -> ExitCode:
        new = load_list(file)
        before = None if previous is None else load_list(previous)
        keys = None if roots is None else _load_roots(roots, new.name)
        if before is None and keys is None:
            raise UsageError(say("需要 --previous 或 --roots。", "--previous or --roots is needed"))
        endorsement = verify_trust_list(new, previous=before, root_keys=keys, at=now)
        signed_by, unknown = sorted(endorsement.signed_by), sorted(endorsement.unknown)
        if as_json:
            print_json({**describe_list(new), "ok": True, "signed_by": signed_by, "unknown_signers": unknown})
            return ExitCode.DONE
        sentence = say(
            f"可以采用：{new.name} 版本 {new.version}，有效至 {new.expires:%Y-%m-%d %H:%M} UTC",
            f"to be relied on: {new.name} version {new.version}, until {new.expires:%Y-%m-%d %H:%M} UTC",
        )
        OUT.print(sentence, markup=False)
        OUT.print(f"  {say('签名者', 'signed by')}: {', '.join(signed_by)}", markup=False)
        for key in unknown:
            OUT.print(
                say(f"  未知签名者，不计入：{key}", f"  nobody knows this signer, not counted: {key}"), markup=False
            )
        return ExitCode.DONE

    return guard(run, as_json=as_json, at=at)


def _load_roots(path: Path, name: str) -> ListKeys:
    try:
        roots = load_roots(path) if path.is_dir() else parse_roots(read_bytes(path))
    except ValueError as error:
        text = f"{path}: {error}"
        raise UsageError(say(f"根密钥文件有误：{text}", f"the file of root keys is wrong: {text}")) from error
    if name not in roots:
        raise UsageError(
            say(f"{ROOTS_FILE} 中没有名单 {name} 的密钥。", f"{ROOTS_FILE} has no keys for the list {name}")
        )
    return roots[name]


def diff(old: Path, new: Path, *, as_json: bool) -> ExitCode:
    """Print who gains and who loses what; INVALID when anybody loses anything."""

    def run(_: datetime) -> ExitCode:
        before, after = load_list(old), load_list(new)
        found = compare_trust_lists(before, after)
        show_differences(found, as_json=as_json)
        change = measure_change(before, after)
        if not as_json:
            ERR.print(
                say(
                    f"共 {len(found)} 处不同；减少 {change.shrinkage:.0%}，增加 {change.growth:.0%}。",
                    f"{len(found)} differences; {change.shrinkage:.0%} gone, {change.growth:.0%} new.",
                )
            )
        return ExitCode.INVALID if any(one.effect is Effect.LOSES for one in found) else ExitCode.DONE

    return guard(run, as_json=as_json)


def simulate_list(
    new: Path, against: str, *, trust: Path | None, old: Path | None, at: str | None, as_json: bool
) -> ExitCode:
    """Judge documents under the old and the new list; INVALID when one that was valid is valid no more."""

    def run(now: datetime) -> ExitCode:
        if against == LOG:
            raise UsageError(
                say(
                    "访问日志尚未提供；请用 --against 指定证照文件夹。",
                    "there is no access log yet; name a folder of documents with --against",
                )
            )
        inputs = expand_inputs([against])
        if not inputs.names:
            raise UsageError(say(f"没有可核验的文件：{against}", f"there is nothing to verify: {against}"))
        place = None if trust is None else find_place(trust)
        job = Job(trust=place, new=read_bytes(new), old=None if old is None else read_bytes(old), at=now)
        stores = job.build()  # whatever is wrong is said before the work begins
        if place is not None:
            say_findings(place.read(now))
        tally: Counter[str] = Counter()
        with progress_bar() as progress:
            task = progress.add_task(say("正在重新核验", "verifying again"), total=len(inputs.names))
            for one in simulate(job, inputs.names):
                progress.advance(task)
                if one.unreadable is not None:
                    inputs.unreadable.append((one.name, one.unreadable))
                    continue
                tally["documents"] += 1
                tally["flips"] += one.is_flip
                tally["losses"] += one.is_loss
                if one.is_flip:
                    show_flip(one, as_json=as_json)
        _sum_up(tally, inputs, stores.before.version, stores.after.version, as_json=as_json)
        if inputs.unreadable:
            return ExitCode.USAGE
        return ExitCode.INVALID if tally["losses"] else ExitCode.DONE

    return guard(run, as_json=as_json, at=at)


def _sum_up(tally: Counter[str], inputs: Inputs, before: str, after: str, *, as_json: bool) -> None:
    for name, why in inputs.unreadable:
        ERR.print(f"tongban: {printable(name)}: {why}", markup=False)
    sums = {key: tally[key] for key in ("documents", "flips", "losses")}
    if as_json:
        print_json({**sums, "unreadable": len(inputs.unreadable), "trust_before": before, "trust_after": after})
        return
    ERR.print(
        say(
            f"共 {sums['documents']} 份：{sums['flips']} 份结论改变，其中 {sums['losses']} 份不再有效。",
            f"{sums['documents']} documents: {sums['flips']} flip, {sums['losses']} of them valid no more.",
        )
    )


def forecast_trust(source: Path, *, horizon: str, against: str | None, at: str | None, as_json: bool) -> ExitCode:
    """Print what begins and ends within the horizon, and with documents how many rely on it."""

    def run(now: datetime) -> ExitCode:
        span = _parse_horizon(horizon)
        if source.is_dir():
            reading = find_place(source).read(now)
            say_findings(reading)
            state = reading.state
        else:
            state = TrustState(lists=(load_list(source),))
        events = _events(state, now, span)
        counts = None if against is None else _count_documents(state, against, now)
        for event in events:
            documents = None if counts is None else _affected(event, state, counts)
            if as_json:
                print_json({**describe_event(event), "documents": documents})
            else:
                more = "" if documents is None else say(f"（{documents} 份证照）", f" ({documents} documents)")
                OUT.print(printable(say(event.sentence_zh, event.sentence)) + more, markup=False)
        if not events and not as_json:
            OUT.print(say("此期间内无到期。", "nothing begins or ends within this time."))
        return ExitCode.DONE

    return guard(run, as_json=as_json, at=at)


def _parse_horizon(text: str) -> timedelta:
    number = text.removesuffix("d")
    if not (number.isascii() and number.isdigit() and 1 <= int(number) <= _FAR.days):
        raise UsageError(
            say(f"--horizon 应为 1d 至 {_FAR.days}d。", f"--horizon: 1d to {_FAR.days}d was expected, got {text}")
        )
    return timedelta(days=int(number))


def _events(state: TrustState, at: datetime, horizon: timedelta) -> tuple[Event, ...]:
    """Return what is to come for the folder and for each list, whether its time is now or not, in order."""
    found = list(forecast(state.folder, at, horizon))
    for one in state.lists:
        found += forecast(one, at, horizon, algorithms=state.folder.algorithms)
    return tuple(sorted(dict.fromkeys(found), key=lambda event: (event.at, event.who, event.turn)))


def _count_documents(state: TrustState, against: str, at: datetime) -> Counter[frozenset[Holder]]:
    """Return how many documents rely on which trusted ones; lists count whether their time is now or not."""
    together = trust_store(state.lists, state.folder.anchors)
    store = replace(state.folder, anchors=together.anchors, keys=together.keys)
    counts: Counter[frozenset[Holder]] = Counter()
    names = expand_inputs([against]).names
    with progress_bar() as progress:
        task = progress.add_task(say("正在读取证照", "reading documents"), total=len(names))
        for name in names:
            counts[relied_on(read_input(name).data, store=store, at=at)] += 1
            progress.advance(task)
    return counts


def _affected(event: Event, state: TrustState, counts: Counter[frozenset[Holder]]) -> int:
    """Return how many documents rely on the one whom it is about; on anybody of the list, where a list ends."""
    who = {holder_of(event.grant)} if event.grant is not None else _members(state, event.who)
    return sum(count for found, count in counts.items() if found & who)


def _members(state: TrustState, name: str) -> set[Holder]:
    lists: list[TrustList] = [one for one in state.lists if one.name == name]
    return {holder_of(entry) for one in lists for entry in one.entries}


def describe_missing(new: TrustList, signers: ListKeys) -> list[str]:
    """Return the ids of those who may still sign."""
    return [key.id for key in missing_signers(new, signers)]
