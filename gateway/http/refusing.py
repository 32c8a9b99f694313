"""What a failure is refused with: a problem, whatever was raised, and its entry in the access log."""

from aiohttp import web

from gateway.http.entries import record_refusal
from gateway.http.problems import ProblemError, ProblemKind, problem_of_http_error
from gateway.http.state import FAILURE


async def refuse(request: web.Request, error: Exception) -> ProblemError:
    """Return the problem that a request is refused with, once the log has it; a bug says nothing of itself."""
    problem = await record_refusal(request, _problem_of(request, error))
    if FAILURE not in request:
        request[FAILURE] = problem.kind.value
    return problem


def _problem_of(request: web.Request, error: Exception) -> ProblemError:
    match error:
        case ProblemError():
            return error
        case web.HTTPException():
            return problem_of_http_error(error)
        case TimeoutError():
            return ProblemError(ProblemKind.DEADLINE, close=True)
        case _:
            request[FAILURE] = type(error).__name__  # only the type: a message may quote the request
            return ProblemError(ProblemKind.INTERNAL)
