"""A platform that says yes at once: what is measured is who calls it. Listens on the port given."""

import itertools
import sys

import uvloop
from aiohttp import web

ids = itertools.count(1)


async def yes(request: web.Request) -> web.Response:
    await request.read()
    if request.path.endswith("token"):
        return web.Response(body=b'{"access_token":"bench","expires_in":7200}', content_type="application/json")
    body = b'{"errcode":0,"errmsg":"ok","msgid":%d}' % next(ids)
    return web.Response(body=body, content_type="application/json")


if __name__ == "__main__":
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", yes)
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None, loop=uvloop.new_event_loop())
