"""DynamoDB of the local AWS: the emulator's moto, with queries that read only what they return.

`provider` answers the calls, `tables` replaces moto's slow paths, and `indexes` keeps items sorted.
"""
