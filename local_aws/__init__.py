"""The local AWS: an emulator that runs as a process on loopback, with this package's plugins.

The command line is `python -m local_aws start|status|stop`. The launcher needs only the standard
library. The plugins run inside the emulator, in the emulator's Python environment (.venvs/localemu
or .venvs/localstack).
"""
