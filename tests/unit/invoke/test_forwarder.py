"""The forwarder on loopback."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from operations.invoke.forwarder import forwarding

LOOPBACK = "127.0.0.1"
LARGE = b"stars" * 200_000  # larger than any buffer on the way


@asynccontextmanager
async def shouting() -> AsyncIterator[int]:
    """Run a server that returns its input in capitals at its end; yield its port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write((await reader.read()).upper())
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, LOOPBACK, 0) as server:
        yield server.sockets[0].getsockname()[1]


async def ask(port: int, question: bytes, host: str = LOOPBACK) -> bytes:
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(question)
    writer.write_eof()
    answer = await reader.read()
    writer.close()
    return answer


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        return int(taken.getsockname()[1])


def test_bytes_arrive_complete_in_both_directions() -> None:
    async def asked() -> bytes:
        async with shouting() as there, forwarding(LOOPBACK, there) as here:
            return await ask(here, LARGE)

    assert asyncio.run(asked()) == LARGE.upper()


def test_concurrent_connections_are_kept_apart() -> None:
    async def asked() -> list[bytes]:
        async with shouting() as there, forwarding(LOOPBACK, there) as here:
            return await asyncio.gather(*(ask(here, b"visitor %d" % n) for n in range(20)))

    assert asyncio.run(asked()) == [b"VISITOR %d" % n for n in range(20)]


def test_a_connection_is_closed_where_no_server_listens() -> None:
    async def asked() -> bytes:
        async with forwarding(LOOPBACK, free_port()) as here:
            return await ask(here, b"hello?")

    assert asyncio.run(asyncio.wait_for(asked(), 10)) == b""


def test_the_forwarder_stops_listening_and_closes_open_connections() -> None:
    async def left() -> tuple[int, bytes]:
        async with shouting() as there:
            async with forwarding(LOOPBACK, there) as here:
                reader, writer = await asyncio.open_connection(LOOPBACK, here)
                writer.write(b"still talking")
                await writer.drain()
            try:
                rest = await reader.read()
            except ConnectionError:
                rest = b""
            writer.close()
            return here, rest

    port, rest = asyncio.run(asyncio.wait_for(left(), 10))

    assert rest == b""
    with pytest.raises(ConnectionRefusedError), socket.create_connection((LOOPBACK, port)):
        pass


def test_the_forwarder_listens_on_its_address_only() -> None:
    async def asked() -> bytes:
        async with shouting() as there, forwarding("127.0.0.2", there) as here:
            with pytest.raises(ConnectionRefusedError):
                await ask(here, b"loopback's first address")
            return await ask(here, b"its second", "127.0.0.2")

    assert asyncio.run(asked()) == b"ITS SECOND"
