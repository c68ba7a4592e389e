"""The baseline: a bare aiohttp loop that posts so many messages, so many at once. Prints the seconds it took."""

import asyncio
import sys
import time

import aiohttp
import orjson
import uvloop


async def main(port: int, count: int, at_once: int) -> None:
    data = {
        key: {"value": "您的事项有新的办理进展"} for key in ("thing1", "thing2", "time3", "thing4", "character_string5")
    }
    numbers, url = iter(range(count)), f"http://127.0.0.1:{port}/cgi-bin/message/template/send?access_token=bench"

    async def post(http: aiohttp.ClientSession) -> None:
        for number in numbers:
            body = {"touser": f"bench{number:022d}", "template_id": "t", "data": data, "client_msg_id": str(number)}
            async with http.post(url, data=orjson.dumps(body)) as answer:
                assert orjson.loads(await answer.read())["errcode"] == 0

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=at_once)) as http:
        started = time.perf_counter()
        await asyncio.gather(*(post(http) for _ in range(at_once)))
        print(time.perf_counter() - started)


uvloop.run(main(*(int(each) for each in sys.argv[1:4])))
