"""Adapters: implementations of the domain's interfaces (`marquee.ports`) with AWS services."""
