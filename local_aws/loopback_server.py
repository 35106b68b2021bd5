"""A server for the emulator that binds only the configured address.

The emulators' own Twisted server ignores the host in GATEWAY_LISTEN and binds every interface.
"""

from typing import Any

from local_aws import emulator

RuntimeServerPlugin: Any = emulator.part("runtime.server.core").RuntimeServerPlugin


class LoopbackServerPlugin(RuntimeServerPlugin):  # type: ignore[misc]  # untyped
    """Registers the server as GATEWAY_SERVER=loopback."""

    name = "loopback"

    def load(self, *_arguments: Any, **_options: Any) -> Any:
        """Return the server.

        Twisted is imported here, not at the top, because importing its reactor installs it.
        """
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
