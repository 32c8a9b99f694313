"""OCSP answers: each certificate is due by itself, and one that is declined costs the others nothing."""

from datetime import timedelta

from gateway.status.failure import StatusFailure
from tests.gateway.status.keeping import CA, HOUR, Kept, ocsp_source
from tests.support import ocsp, pki
from tests.support.responder import endless, responder, serve, serve_made

GOOD = [CA.issue(f"good {number}") for number in range(8)]
DECLINED = [CA.issue(f"declined {number}") for number in range(6)]
SECOND = timedelta(seconds=1)


def declining(*, asked=None, life=HOUR):
    """Serve answers about all but those that are declined, and write down who was asked about."""
    named = {ocsp.certificate_id(one, CA): one for one in GOOD + DECLINED}

    def make(request):
        found = next(one for name, one in named.items() if name in request.body)
        if asked is not None:
            asked.append(found)
        if found in DECLINED:
            return ocsp.answer(signer=CA, status=6)
        return ocsp.answer(ocsp.single(ocsp.certificate_id(found, CA), next_update=pki.NOW + life), signer=CA)

    return serve_made(make)


def watch(kept, entities):
    for entity in entities:
        kept.keeper.watch_certificate(entity.certificate, CA.certificate)


async def test_certificates_that_are_declined_stop_no_others(tmp_path):
    """A responder that declines six certificates answers about all others in the same round."""
    async with responder(ocsp=declining()) as server, Kept(tmp_path, ocsp_source(server)) as kept:
        watch(kept, GOOD + DECLINED)
        attempt = await kept.keeper.refresh_due("kept-ca")
        assert attempt.answered == len(GOOD)
        assert [error.failure for error in attempt.errors] == [StatusFailure.DECLINED] * len(DECLINED)


async def test_a_certificate_that_is_declined_makes_no_failing_source(tmp_path):
    """A round in which something was answered is a success of the source, however often one certificate is declined."""
    async with responder(ocsp=declining()) as server, Kept(tmp_path, ocsp_source(server)) as kept:
        watch(kept, [*GOOD, DECLINED[0]])
        for _ in range(3):
            await kept.keeper.refresh("kept-ca")
            report = kept.keeper.report()[0]
            assert (report.failures, report.failure) == (0, StatusFailure.DECLINED)
            assert report.last_success == kept.clock.now
        assert "succeeded" in {event[0] for event in kept.observer.events}


async def test_a_source_fails_once_a_round(tmp_path):
    """A round in which everything was declined is one failure of the source."""
    async with responder(ocsp=declining()) as server, Kept(tmp_path, ocsp_source(server)) as kept:
        watch(kept, DECLINED)
        await kept.keeper.refresh("kept-ca")
        assert kept.keeper.report()[0].failures == 1


async def test_who_is_declined_is_asked_about_later_and_later(tmp_path):
    """A declined certificate is asked about after 5, 10, 20 s …; those with an answer not before half of it is over."""
    asked = []
    async with responder(ocsp=declining(asked=asked)) as server, Kept(tmp_path, ocsp_source(server)) as kept:
        watch(kept, [GOOD[0], DECLINED[0]])
        for _ in range(185):
            await kept.keeper.refresh_due("kept-ca")
            kept.clock.now += SECOND
        assert asked.count(GOOD[0]) == 1
        assert asked.count(DECLINED[0]) == 6


async def test_an_answer_is_renewed_in_time_beside_one_that_is_declined(tmp_path):
    """However long another certificate has been declined, an answer is asked for anew before it ends."""
    asked = []
    behaviour = declining(asked=asked, life=HOUR / 3)
    async with responder(ocsp=behaviour) as server, Kept(tmp_path, ocsp_source(server)) as kept:
        watch(kept, [GOOD[0], DECLINED[0]])
        for _ in range(4):
            await kept.keeper.refresh("kept-ca")
        asked.clear()
        assert kept.keeper._minded["kept-ca"].track.seconds_left(kept.clock.now) < HOUR.total_seconds() / 3
        kept.clock.now += HOUR / 5
        await kept.keeper.refresh_due("kept-ca")
        assert asked.count(GOOD[0]) == 1


async def test_after_an_outage_an_answer_is_renewed_before_it_ends(tmp_path):
    """While the responder is down, who still has an answer is asked about again before it ends."""
    async with responder(ocsp=declining()) as server, Kept(tmp_path, ocsp_source(server)) as kept:
        watch(kept, GOOD[:1])
        await kept.keeper.refresh("kept-ca")
        server.behaviours["/ocsp"] = serve(b"", status="503 Down")
        for _ in range(12):
            await kept.keeper.refresh("kept-ca")
        left = kept.keeper._minded["kept-ca"].track.seconds_left(kept.clock.now)
        assert 0 < left < HOUR.total_seconds() * 0.6


async def test_a_responder_that_is_down_is_asked_for_few(tmp_path):
    """After three questions without an answer in a row the others of the round wait like those that were asked."""
    async with responder(ocsp=serve(b"", status="503 Down")) as server, Kept(tmp_path, ocsp_source(server)) as kept:
        watch(kept, GOOD + DECLINED)
        await kept.keeper.refresh_due("kept-ca")
        assert 3 <= len(server.requests) <= 4
        await kept.keeper.refresh_due("kept-ca")
        assert len(server.requests) <= 4


async def test_who_has_waited_longest_is_asked_about_first(tmp_path):
    """Certificates are asked about in the order in which they became due."""
    asked = []
    async with responder(ocsp=declining(asked=asked)) as server, Kept(tmp_path, ocsp_source(server)) as kept:
        for entity in GOOD[:4]:
            watch(kept, [entity])
            await kept.keeper.refresh_due("kept-ca")
            kept.clock.now += 10 * 60 * SECOND
        watch(kept, reversed(GOOD[:4]))
        asked.clear()
        kept.clock.now += HOUR
        server.behaviours["/ocsp"] = serve(b"", status="503 Down")
        await kept.keeper.refresh_due("kept-ca")
        ids = [ocsp.certificate_id(entity, CA) for entity in GOOD[:2]]
        first = [next(number for number, one in enumerate(ids) if one in r.body) for r in server.requests[4:6]]
        assert sorted(first) == [0, 1]


async def test_a_clock_that_was_set_back_stops_nothing(tmp_path):
    """When the clock goes back by a day, what was planned for the day after is asked for now."""
    async with responder(ocsp=declining()) as server, Kept(tmp_path, ocsp_source(server)) as kept:
        watch(kept, DECLINED[:1])
        await kept.keeper.refresh_due("kept-ca")
        kept.clock.now -= 24 * HOUR
        await kept.keeper.refresh_due("kept-ca")
        assert len(server.requests) == 2


async def test_no_more_of_an_answer_is_read_than_it_may_have(tmp_path):
    """An OCSP answer is read up to the bound of OCSP answers, whatever the source allows."""
    async with (
        responder(ocsp=serve(b"x" * 300_000)) as server,
        Kept(tmp_path, ocsp_source(server, max_bytes=10**6)) as kept,
    ):
        watch(kept, GOOD[:1])
        attempt = await kept.keeper.refresh_due("kept-ca")
        assert "at most 131072 bytes" in attempt.errors[0].detail
        server.behaviours["/ocsp"] = endless
        assert await kept.refresh() == [StatusFailure.TOO_LARGE]
