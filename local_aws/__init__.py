"""The embedded local AWS: an emulator as a process on loopback, with this package's plugins.

`python -m local_aws start|status|stop` is its command line. The launcher needs the standard
library only; the plugins run inside the emulator, in its own environment (.venvs/localemu or
.venvs/localstack).
"""
