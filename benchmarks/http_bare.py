"""The bare handler that the gateway is held against: aiohttp on uvloop reads a body and answers as many bytes.

``python -m benchmarks.http_bare LENGTH`` prints "listening on http://host:port", as the gateway does.
"""

import asyncio
import sys

import uvloop
from aiohttp import web


async def serve(length: int) -> None:
    """Answer until the process is ended."""
    answer = b'{"outcome":"valid","padding":"' + b"x" * max(0, length - 32) + b'"}'

    async def post(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(body=answer, content_type="application/json")

    app = web.Application()
    app.router.add_post("/v1/verifications", post)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    print(f"listening on http://{host}:{port}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
