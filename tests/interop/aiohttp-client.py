# SPDX-License-Identifier: MIT
"""aiohttp-client.py SOCKET - aiohttp against an echo server; prints "ok" or raises."""

import asyncio
import os
import sys

import aiohttp


async def main(path):
    connector = aiohttp.UnixConnector(path=path, limit=8)
    async with aiohttp.ClientSession(connector=connector) as session:
        async def ask(body):
            async with session.post("http://localhost/", data=body) as response:
                assert response.status == 200
                assert await response.read() == body

        await asyncio.gather(*(ask(os.urandom(i * 997 % 30000 + 1)) for i in range(300)))

        async def pieces():
            for _ in range(50):
                yield b"x" * 10000

        async with session.put("http://localhost/", data=pieces()) as response:
            assert await response.read() == b"x" * 500000
        async with session.post("http://localhost/", data=b"y", expect100=True) as response:
            assert await response.read() == b"y"
        async with session.head("http://localhost/") as response:
            assert response.status == 200


asyncio.run(main(sys.argv[1]))
print("ok")
