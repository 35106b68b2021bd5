"""Adapters: what the domain asks for (`marquee.ports`), answered by AWS."""
