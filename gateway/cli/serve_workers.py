"""Several processes of ``tongban serve``: workers that share the port, and one that writes the access log for them.

The log's process is open before the first worker starts, and ends after the last one has ended. A worker that dies is
started again, a few times a minute; its socket stays open, so whoever connected to it waits that long. On SIGUSR2 new
workers are started on the same sockets, and once all of them answer the others leave. When the log's process dies, or
workers die too often, all end: whoever supervises the parent starts it anew, with its full strength. Where the parent
is killed log and workers stop at once, and what is still asked is refused, as the log takes nothing any more.
"""

import logging
import multiprocessing
import os
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any, Final

from gateway.cli.console import ExitCode
from gateway.cli.language import say
from gateway.cli.serve_children import READY, work, write
from gateway.cli.serve_one import STOP_SIGNALS, Start, Why
from gateway.cli.serve_signals import hold_signals, take_signals
from gateway.cli.serve_words import complain, complain_of_faults, complain_of_no_restart
from gateway.cli.worker_deaths import WorkerDeaths
from gateway.metrics import SHARED_FOLDER_VARIABLE, forget_process
from gateway.reload.changes import compare_sites, select_of_log
from gateway.site import Site, SiteError, check_tokens_used_once, load_site

REPLACING_SECONDS: Final = 60.0  # for new workers to answer; then the others stay
_GOOD_ENDS: Final = (0, -signal.SIGTERM)  # the second: told to stop again after it had closed everything
_NUMBER_OF_LOG: Final = 0


@dataclass(slots=True, kw_only=True, eq=False)
class _Child:
    """A process of ours; ``name`` in Chinese and in English. ``number`` is whose files its metrics are in."""

    name: tuple[str, str]
    number: int
    process: SpawnProcess
    ready: Connection
    is_ready: bool = False
    is_deaf: bool = False  # nothing more comes from ``ready``

    def hear(self) -> None:
        """Take what it says, which is that it is ready, or nothing any more."""
        with suppress(EOFError, OSError):
            self.is_ready = self.ready.recv() == READY
        self.is_deaf = True
        self.ready.close()

    def tell(self, number: signal.Signals) -> None:
        """Send it a signal, if it is still there."""
        with suppress(ProcessLookupError):
            if self.process.pid is not None and self.process.exitcode is None:
                os.kill(self.process.pid, number)


@dataclass(slots=True, kw_only=True, eq=False)
class _Worker(_Child):
    """One that answers on the socket of its slot; ``leaves`` once it is replaced."""

    slot: int
    is_new: bool  # of those that are to replace others, while not all of them answer
    leaves: bool = field(default=False)


def serve_workers(
    site: Site, site_dir: Path, listeners: Sequence[socket.socket], announce: Callable[[], None]
) -> ExitCode:
    """Start the log, then one worker for each socket, announce them when all are ready, and end with them.

    ``site`` is what was read from the folder; every process reads it again.
    """
    with tempfile.TemporaryDirectory(prefix="tongban-metrics-") as folder:
        os.environ[SHARED_FOLDER_VARIABLE] = folder  # the metrics library reads it when a child imports it
        parent = _Parent(site, site_dir, listeners, folder)
        with take_signals():
            return parent.run(announce)


class _Parent:
    """Starts and ends the children, one event after the other."""

    def __init__(self, site: Site, site_dir: Path, listeners: Sequence[socket.socket], folder: str) -> None:
        self._site, self._site_dir = site, site_dir
        self._listeners, self._folder = listeners, folder
        self._context = multiprocessing.get_context("spawn")  # no thread or lock of this process is copied halfway
        self._started = time.time()
        self._opening: _Child | None = None  # the log's process, while it waits for the log
        self._workers: list[_Worker] = []
        self._due: dict[int, float] = {}  # slots whose worker died, and when it is started again
        self._deaths = WorkerDeaths()
        self._is_stopping = False
        self._was_told_to_stop = False
        self._is_asked_to_replace = False
        self._replacing_until: float | None = None  # None: nobody is replaced now
        self._is_announced = False
        self._fault = False  # something ended that should not have
        self._waker, self._alarm = self._context.Pipe(duplex=False)
        self._take_signals()
        resource_tracker.ensure_running()  # now: it lets an interrupt through, which the first child is not to get yet

    def run(self, announce: Callable[[], None]) -> ExitCode:
        """Do everything, from the first start to the last end."""
        log = self._opening = self._start_log()
        try:
            return self._run(log, announce)
        except BaseException:  # a fault of ours must not leave anybody serving whom nobody watches
            self._stop()
            for child in (*self._workers, log):
                _terminate([child])
                child.process.join()
            raise

    def _run(self, log: _Child, announce: Callable[[], None]) -> ExitCode:
        if self._was_told_to_stop:  # before the handler had anybody to stop
            _terminate([log])
        log.hear()
        self._opening = None
        if not log.is_ready:
            return self._end_without_log(log)
        for slot in range(len(self._listeners)):
            if not self._was_told_to_stop:
                self._start_worker(slot, Why.START)
        while self._workers or self._due:
            self._wait_for_event(log, announce)
        self._stop()
        return self._end(log)

    # --- events -------------------------------------------------------------------------------------------------------

    def _wait_for_event(self, log: _Child, announce: Callable[[], None]) -> None:
        """Wait for whatever happens next, and do what follows from it."""
        unheard = [one.ready for one in self._workers if not one.is_deaf]
        sentinels = [one.process.sentinel for one in self._workers]
        moments = [*self._due.values(), *(() if self._replacing_until is None else (self._replacing_until,))]
        seconds = max(0.0, min(moments) - time.monotonic()) if moments else None
        writing = [] if self._is_stopping else [log.process.sentinel]  # what has ended once would end every wait
        happened = wait([self._waker, *writing, *unheard, *sentinels], seconds)
        if self._waker in happened:
            self._waker.recv_bytes()
        for worker in list(self._workers):
            if worker.ready in happened and not worker.is_deaf:
                worker.hear()
        for worker in list(self._workers):
            if worker.process.sentinel in happened:
                self._note_end(worker)
        if self._was_told_to_stop and not self._is_stopping:
            self._stop()
        if log.process.sentinel in happened and not self._is_stopping:
            log.process.join()  # how it ended is known only then
            self._complain_of_end(log, all_stop=True)
            self._stop()
        if not self._is_stopping:
            self._go_on(announce)

    def _go_on(self, announce: Callable[[], None]) -> None:
        """Do what is due: announce the first workers, replace them, and start those again that died."""
        now = time.monotonic()
        if not self._is_announced:
            if not all(one.is_ready for one in self._workers):
                return
            self._is_announced = True
            announce()
        if self._replacing_until is not None:
            new = [one for one in self._workers if one.is_new]
            if all(one.is_ready for one in new):
                self._let_others_leave(new)
            elif now >= self._replacing_until:
                self._give_up_replacing(say("新进程未能及时启动", "the new workers did not start in time"))
        if self._is_asked_to_replace and self._replacing_until is None:
            self._replace()
        for slot in [slot for slot, moment in self._due.items() if now >= moment]:
            del self._due[slot]
            self._start_worker(slot, Why.DIED)

    def _note_end(self, worker: _Worker) -> None:
        """Note that a worker has ended, and what follows."""
        worker.process.join()
        self._workers.remove(worker)
        forget_process(self._folder, worker.number)
        is_good = worker.process.exitcode in _GOOD_ENDS
        if self._is_stopping or worker.leaves:
            if not is_good:
                self._complain_of_end(worker, all_stop=False)
                self._fault = self._fault or self._is_stopping
        elif worker.is_new:
            self._complain_of_end(worker, all_stop=False)
            self._give_up_replacing("")
        elif not self._is_announced:
            self._complain_of_end(worker, all_stop=True)
            self._stop()
        else:
            self._start_again(worker)

    def _start_again(self, worker: _Worker) -> None:
        delay = self._deaths.note(time.monotonic())
        if delay is None:
            self._complain_of_end(worker, all_stop=True)
            self._stop()
            return
        self._complain_of_end(worker, all_stop=False)
        if self._replacing_until is None:  # else one for its socket is on its way
            self._due[worker.slot] = time.monotonic() + delay

    # --- replacing ----------------------------------------------------------------------------------------------------

    def _replace(self) -> None:
        """Start as many workers again beside those that answer, unless they could not serve the site."""
        self._is_asked_to_replace = False
        try:
            written = load_site(self._site_dir)
            check_tokens_used_once(written)
        except SiteError as error:
            complain_of_faults(error)
            complain_of_no_restart()
            return
        of_log = select_of_log(compare_sites(self._site, written))
        if of_log:
            zh = f"{'、'.join(of_log)} 的改动须停止后重新启动网关"
            en = f"a change of {', '.join(of_log)} takes a stop and a start of all processes"
            complain_of_no_restart(say(zh, en))
            return
        self._due.clear()
        self._replacing_until = time.monotonic() + REPLACING_SECONDS
        for slot in range(len(self._listeners)):
            self._start_worker(slot, Why.REPLACED, is_new=True)

    def _let_others_leave(self, new: list[_Worker]) -> None:
        """Tell those that are replaced to answer what they were asked and to end."""
        self._replacing_until = None
        for worker in self._workers:
            if worker not in new and not worker.leaves:
                worker.leaves = True
                worker.tell(signal.SIGUSR2 if worker.is_ready else signal.SIGTERM)
        for worker in new:
            worker.is_new = False
        taken_over = say(f"已由 {len(new)} 个新进程接替。", f"{len(new)} new workers have taken over")
        complain(taken_over, level=logging.INFO)

    def _give_up_replacing(self, why: str) -> None:
        """Keep those that answer, and end the new ones; where nobody answers any more, somebody has to."""
        self._replacing_until = None
        for worker in self._workers:
            if worker.is_new:
                worker.is_new, worker.leaves = False, True
                worker.process.terminate()
        complain_of_no_restart(why)
        answering = {one.slot for one in self._workers if not one.leaves}
        for slot in range(len(self._listeners)):
            if slot not in answering:
                self._due[slot] = time.monotonic()

    # --- children -----------------------------------------------------------------------------------------------------

    def _start_log(self) -> _Child:
        process, ready = self._start(write, self._site_dir, _NUMBER_OF_LOG)
        return _Child(name=("日志进程", "the log's process"), number=_NUMBER_OF_LOG, process=process, ready=ready)

    def _start_worker(self, slot: int, why: Why, *, is_new: bool = False) -> None:
        """Start a worker with the smallest number that nobody has, so that files of metrics are used again."""
        taken = {one.number for one in self._workers}
        number = next(one for one in range(_NUMBER_OF_LOG + 1, len(taken) + 2) if one not in taken)
        start = Start(why=why, gateway_at=self._started)
        process, ready = self._start(work, self._site_dir, self._listeners[slot], number, start)
        name = f"{slot + 1}/{len(self._listeners)}"
        self._workers.append(
            _Worker(
                name=(f"工作进程 {name}", f"worker {name}"),
                number=number,
                process=process,
                ready=ready,
                slot=slot,
                is_new=is_new,
            )
        )

    def _start(self, main: Callable[..., None], *arguments: Any) -> tuple[SpawnProcess, Connection]:  # noqa: ANN401 - what ``main`` takes
        receiver, sender = self._context.Pipe(duplex=False)
        process = self._context.Process(target=main, args=(*arguments, sender))
        with hold_signals():  # the child takes them once it can
            process.start()
        sender.close()
        return process, receiver

    # --- the end ------------------------------------------------------------------------------------------------------

    def _stop(self) -> None:
        """Take no connections any more, and let the workers answer what they were asked."""
        self._is_stopping = True
        self._due.clear()
        for listener in self._listeners:
            listener.close()
        _terminate(self._workers)

    def _end(self, log: _Child) -> ExitCode:
        """End the log, after the last worker."""
        _terminate([log])
        log.process.join()
        if not self._fault and log.process.exitcode not in _GOOD_ENDS:
            self._complain_of_end(log, all_stop=True)
        return ExitCode.INVALID if self._fault else ExitCode.DONE

    def _end_without_log(self, log: _Child) -> ExitCode:
        """End as the log's process did: it could not be opened, and said why, or was told to stop."""
        log.process.join()
        if self._was_told_to_stop and log.process.exitcode in _GOOD_ENDS:
            return ExitCode.DONE
        if log.process.exitcode == ExitCode.USAGE:
            return ExitCode.USAGE
        self._complain_of_end(log, all_stop=True)
        return ExitCode.INVALID

    def _complain_of_end(self, child: _Child, *, all_stop: bool) -> None:
        """Say which process ended and how, and whether the gateway ends with it."""
        self._fault = self._fault or all_stop
        end = _end_of(child.process)
        zh, en = child.name
        stopped = say("全部进程已停止", "all processes were stopped")
        then = stopped if all_stop else say("其他进程继续运行", "the others go on")
        complain(say(f"{zh} 意外结束（{end}），{then}。", f"{en} ended unexpectedly ({end}); {then}"))

    # --- signals ------------------------------------------------------------------------------------------------------

    def _take_signals(self) -> None:
        """Note what was asked for and wake up; a stop reaches the log at once only while nothing else was begun."""

        def stop(_: int, __: object) -> None:
            self._was_told_to_stop = True
            if self._opening is not None:
                _terminate([self._opening])
            self._alarm.send_bytes(b".")

        def replace(_: int, __: object) -> None:
            self._is_asked_to_replace = True
            self._alarm.send_bytes(b".")

        def pass_on(number: int, _: object) -> None:
            for worker in self._workers:
                worker.tell(signal.Signals(number))

        for number in STOP_SIGNALS:
            signal.signal(number, stop)
        signal.signal(signal.SIGUSR2, replace)
        signal.signal(signal.SIGHUP, pass_on)


def _end_of(process: SpawnProcess) -> str:
    """Name how a process ended: by which signal, or with which code."""
    code = process.exitcode or 0
    return signal.Signals(-code).name if code < 0 else say(f"退出码 {code}", f"exit code {code}")


def _terminate(children: Iterable[_Child]) -> None:
    for child in children:
        with suppress(ProcessLookupError, ValueError):
            child.process.terminate()
