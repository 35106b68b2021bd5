"""Remove the lock that a killed Terraform left on a deployment's state: `make unlock`."""

from operations.deployment import Deployment
from operations.errors import OperationError
from operations.state_lock import reason_to_keep, state_lock
from operations.terraform import Terraform


def unlock(deployment: Deployment, *, force: bool = False) -> str:
    """Remove the lock of the state, and return a sentence that says so.

    Args:
        deployment: the deployment.
        force: whether to remove also a lock of another machine, or one that a Terraform of this
            machine may still hold.

    Raises:
        OperationError: if the lock may still be needed and `force` is not set.
    """
    lock = state_lock(deployment)
    if lock is None:
        return f"The state of {deployment.name!r} is not locked."
    if not force and (reason := reason_to_keep(deployment, lock)):
        raise OperationError(f"The lock of {lock} was not removed. {reason}")
    terraform = Terraform(deployment)
    terraform.init()
    terraform.unlock(lock.id)
    return f"The lock of {lock} is removed: run the interrupted command again."
