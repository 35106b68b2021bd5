"""A server for the emulator that binds the address it is told.

The emulators' own twisted server ignores the host of GATEWAY_LISTEN and binds every interface.
"""

from typing import Any

from local_aws import emulator

RuntimeServerPlugin: Any = emulator.part("runtime.server.core").RuntimeServerPlugin


class LoopbackServerPlugin(RuntimeServerPlugin):  # type: ignore[misc]  # untyped
    """Registers the server as GATEWAY_SERVER=loopback."""

    name = "loopback"

    def load(self, *_arguments: Any, **_options: Any) -> Any:
        """The server; imported late, since importing twisted's reactor installs it."""
        from rolo.serving.twisted import TwistedGateway  # noqa: PLC0415
        from twisted.internet import endpoints, reactor  # noqa: PLC0415

        TwistedRuntimeServer: Any = emulator.part(  # noqa: N806  a class
            "runtime.server.twisted"
        ).TwistedRuntimeServer

        class LoopbackServer(TwistedRuntimeServer):  # type: ignore[misc]
            def register(self, gateway: Any, listen: list[Any], _ssl_creds: Any = None) -> None:
                site = TwistedGateway(gateway)
                for address in listen:
                    endpoints.TCP4ServerEndpoint(
                        reactor, address.port, interface=address.host
                    ).listen(site)

        return LoopbackServer()
