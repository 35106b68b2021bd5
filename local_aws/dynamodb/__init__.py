"""DynamoDB by the moto inside the emulator, with queries that read only what they return.

`provider` answers the calls, `tables` replaces moto's slow paths, `indexes` keeps items sorted.
"""
