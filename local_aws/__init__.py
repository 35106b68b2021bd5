"""The embedded local AWS: LocalStack as a process on loopback, with this package's plugins.

`python -m local_aws start|stop|status` runs in the development environment and needs the standard
library only; the plugins run inside LocalStack, in its own environment (.venvs/localstack).
"""
