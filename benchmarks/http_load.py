"""Asking a server over HTTP as hard as it answers, or at a fixed rate; one core for whoever asks, another for it.

Written on bare sockets, so that whoever asks costs less than whoever answers. At a fixed rate the time of an answer
counts from the moment at which the question was due, and not from when there was room for it (coordinated omission).
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import Final

_END_OF_HEAD: Final = b"\r\n\r\n"
_LENGTH: Final = b"content-length: "
_STATUS: Final = slice(9, 12)  # of an answer's first line: HTTP/1.1 200 OK
_CLOSED: Final = "the connection was closed"
_LONGEST_WHY: Final = 400  # bytes of an answer that are shown


class RefusedError(Exception):
    """The server did not answer 200, or not as HTTP has it; nothing that was measured means anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What a run gave: answers in so many seconds, and how long each took in milliseconds, the shortest first.

    ``unexpected`` are answers of other statuses and connections that were closed, each with how many there were.
    """

    answers: int
    seconds: float
    waits_ms: Sequence[float]
    unexpected: Mapping[str, int] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.answers / self.seconds

    def percentile(self, share: float) -> float:
        """Return the time within which this share of the answers came, in milliseconds."""
        return self.waits_ms[min(len(self.waits_ms) - 1, int(len(self.waits_ms) * share))]


def encode_question(path: str, host: str, token: str, body: bytes) -> bytes:
    """Return the bytes of one request."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode("ascii") + body


async def ask_hard(
    host: str,
    port: int,
    questions: Iterable[bytes],
    *,
    connections: int,
    seconds: float,
    is_once: bool = False,
    expected: int = 200,
    is_lasting: bool = False,
) -> Load:
    """Ask on so many connections, each the next question when it has an answer.

    ``is_once``: every question is asked once, until none is left or the time is over. ``is_lasting``: what is not of
    the expected status is counted, and the asking goes on.

    Raises:
        RefusedError: an answer was not of the expected status, and this run is not a lasting one.

    """
    run = _Run(iter(questions) if is_once else cycle(questions), expected=expected, is_lasting=is_lasting)
    await run.connect(host, port, connections)
    begun = time.perf_counter()
    for connection in list(run.idle):
        run.ask_next(connection, time.perf_counter())
    await run.wait(seconds)
    return run.end(time.perf_counter() - begun)


async def ask_at_rate(
    host: str, port: int, questions: Sequence[bytes], *, connections: int, seconds: float, rate: float
) -> Load:
    """Ask so many questions a second, whatever becomes of those before."""
    run = _Run(cycle(questions), is_open=True)
    await run.connect(host, port, connections)
    begun = time.perf_counter()
    due = 0
    while (now := time.perf_counter()) < begun + seconds and run.failure is None:
        while begun + due / rate <= now:
            run.ask_when_idle(begun + due / rate)
            due += 1
        await asyncio.sleep(max(0.0, begun + due / rate - time.perf_counter()))
    elapsed = time.perf_counter() - begun
    await run.drain(seconds)
    return run.end(elapsed)


class _Run:
    """All connections of one run."""

    def __init__(
        self, questions: Iterator[bytes], *, is_open: bool = False, expected: int = 200, is_lasting: bool = False
    ) -> None:
        self._questions = questions
        self._is_open = is_open
        self._expected = str(expected).encode()
        self._is_lasting = is_lasting
        self._unexpected: Counter[str] = Counter()
        self._open = 0  # connections
        self.idle: deque[_Connection] = deque()
        self._due: deque[float] = deque()
        self._all: list[_Connection] = []
        self._under_way = 0
        self._is_over = False
        self._ended = asyncio.Event()
        self.failure: Exception | None = None
        self.waits: list[float] = []

    async def connect(self, host: str, port: int, connections: int) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(connections):
            _, connection = await loop.create_connection(lambda: _Connection(self), host, port)
            self._all.append(connection)
            self._open += 1
            self.idle.append(connection)

    def ask_next(self, connection: "_Connection", due: float) -> None:
        """Ask the next question on this connection, unless none is left."""
        question = None if self._is_over else next(self._questions, None)
        if question is None:
            if not self._under_way:
                self._ended.set()
            return
        self._under_way += 1
        connection.ask(question, due)

    def ask_when_idle(self, due: float) -> None:
        if self.idle:
            self.ask_next(self.idle.popleft(), due)
        else:
            self._due.append(due)

    def answered(self, connection: "_Connection", due: float, now: float) -> None:
        self._under_way -= 1
        self.waits.append((now - due) * 1000)
        if not self._is_open:
            self.ask_next(connection, now)
        elif self._due:
            self.ask_next(connection, self._due.popleft())
        else:
            self.idle.append(connection)
            if self._is_over and not self._under_way:
                self._ended.set()

    def accept(self, head: bytes) -> bool:
        """Say whether to go on after an answer that begins so."""
        if head[_STATUS] == self._expected:
            return True
        if self._is_lasting:
            self._unexpected[head[_STATUS].decode("ascii", "replace")] += 1
        else:
            self.fail(head)
        return self._is_lasting

    def lose(self) -> None:
        """Note a connection that was closed; the run ends where none is left."""
        if not self._is_lasting:
            self.fail(_CLOSED.encode())
        elif not self._is_over:
            self._unexpected[_CLOSED] += 1
            self._open -= 1
            if not self._open:
                self._ended.set()

    def fail(self, why: bytes) -> None:
        if not self._is_over and self.failure is None:
            self.failure = RefusedError(why[:_LONGEST_WHY].decode("utf-8", "replace"))
        self._ended.set()

    async def wait(self, seconds: float) -> None:
        """Wait until the time is over, or no question is left."""
        try:
            await asyncio.wait_for(self._ended.wait(), seconds)
        except TimeoutError:
            self._is_over = True

    async def drain(self, seconds: float) -> None:
        """Wait for answers that are owed, so long at most."""
        if self._under_way or self._due:
            self._ended.clear()
            self._questions = iter([next(self._questions)] * len(self._due))
            self._is_over = not self._due
            await asyncio.wait_for(self._ended.wait(), seconds)

    def end(self, seconds: float) -> Load:
        self._is_over = True
        for connection in self._all:
            connection.close()
        if self.failure is not None:
            raise self.failure
        return Load(answers=len(self.waits), seconds=seconds, waits_ms=sorted(self.waits), unexpected=self._unexpected)


class _Connection(asyncio.Protocol):
    """One connection, with one question under way."""

    def __init__(self, run: _Run) -> None:
        self._run = run
        self._transport: asyncio.WriteTransport | None = None
        self._due = 0.0
        self._got = bytearray()
        self._whole = 0  # bytes of the answer; 0: its head is not complete

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # of a TCP connection

    def ask(self, question: bytes, due: float) -> None:
        self._due = due
        if self._transport is not None:
            self._transport.write(question)

    def data_received(self, data: bytes) -> None:
        self._got += data
        if not self._whole:
            end = self._got.find(_END_OF_HEAD)
            if end < 0:
                return
            head = bytes(self._got[:end]).lower()
            place = head.find(_LENGTH)
            if not self._run.accept(bytes(self._got)):
                return
            if place < 0:
                self._run.fail(bytes(self._got))
                return
            self._whole = end + len(_END_OF_HEAD) + int(head[place + len(_LENGTH) :].partition(b"\r")[0])
        if len(self._got) >= self._whole:
            del self._got[: self._whole]
            self._whole = 0
            self._run.answered(self, self._due, time.perf_counter())

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's own
        self._run.lose()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()
