"""EMR of the local AWS: moto stores the clusters; this package stores their steps and runs them.

`steps` decides which step runs next and what a failure causes, `spark_submit` builds the command,
`mirror` gives Spark its `s3://` objects as files, `step_process` runs one step, `events` describes
changes for EventBridge, `operations` answers the API, and `provider` connects all this to the
emulator.
"""
