"""EMR: moto keeps the clusters, this package keeps their steps and really runs them.

`steps` decides (what may run next, what a failure means), `spark_submit` builds the command,
`mirror` gives Spark its `s3://` objects, `step_process` runs one step, `events` tells EventBridge,
`operations` answers the API, and `provider` ties all that to the emulator.
"""
