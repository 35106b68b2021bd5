"""Marquee's shared package: the domain, and in `marquee.aws` its adapters."""
