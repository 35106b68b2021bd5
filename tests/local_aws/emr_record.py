"""A stand-in for moto's record of a cluster, for tests of the local EMR."""

from dataclasses import dataclass


@dataclass
class FakeRecord:
    """A stand-in for moto's record of a cluster."""

    state: str = "WAITING"
    step_concurrency_level: int = 1
    keep_job_flow_alive_when_no_steps: bool = True
    protected: bool = False

    def end(self, state: str) -> None:
        self.state = state
