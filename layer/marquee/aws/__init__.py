"""Adapters: implementations of the domain's interfaces (`requests.ports`) with AWS services."""
