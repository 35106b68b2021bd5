"""A way from containers to the local AWS, which listens on loopback only."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress

LOOPBACK = "127.0.0.1"
_CHUNK = 64 * 1024


@asynccontextmanager
async def forwarding(address: str, port: int) -> AsyncIterator[int]:
    """Forward TCP from a free port of `address`, which is yielded, to `port` on loopback.

    `address` is the one that containers reach; nothing listens on any other. On leaving, the
    listener and every open connection are closed.
    """

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer), suppress(OSError):  # either side may hang up at any time
            there_reader, there_writer = await asyncio.open_connection(LOOPBACK, port)
            with closing(there_writer):
                await asyncio.gather(_pump(reader, there_writer), _pump(there_reader, writer))

    server = await asyncio.start_server(forward, address, 0)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()
        server.abort_clients()
        await server.wait_closed()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(_CHUNK):
        writer.write(chunk)
        await writer.drain()
    writer.write_eof()  # the other direction may still have an answer on its way
