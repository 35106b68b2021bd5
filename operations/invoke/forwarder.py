"""Forwards connections from containers to the local AWS, which listens on loopback only."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress

LOOPBACK = "127.0.0.1"
_CHUNK = 64 * 1024


@asynccontextmanager
async def forwarding(address: str, port: int) -> AsyncIterator[int]:
    """Forward TCP connections from a free port of `address` to `port` on loopback.

    On exit, the listener and every open connection are closed.

    Args:
        address: the only address to listen on; containers must be able to reach it.
        port: the destination port on loopback.

    Yields:
        The port on `address`.
    """

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer), suppress(OSError):  # either side may close the connection any time
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
    writer.write_eof()  # not close(): the other direction may still carry an answer
