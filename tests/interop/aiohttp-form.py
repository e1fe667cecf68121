# SPDX-License-Identifier: MIT
"""aiohttp-form.py SOCKET FILE - forms as aiohttp sends them, to the upload example; prints what it answers."""

import asyncio
import sys

import aiohttp


async def main(path, file):
    connector = aiohttp.UnixConnector(path=path)
    async with aiohttp.ClientSession(connector=connector) as session:
        async def send(data):
            async with session.post("http://localhost/", data=data) as response:
                print(response.status, await response.text(), end="")

        form = aiohttp.FormData()
        form.add_field("note", "text, äöü")
        form.add_field("f", open(file, "rb"), filename="größe.bin", content_type="application/x-thing")
        await send(form)
        await send({"a": "1 + 1 & ä", "b": ""})


asyncio.run(main(*sys.argv[1:]))
