"""Environment variables of a function's process: what Lambda gives it, and nothing of the emulator.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

# What the emulators add for their own container's init process.
NOT_LAMBDAS = (
    "LOCALEMU_",
    "LOCALSTACK_",
    "EDGE_PORT",
    "AWS_LAMBDA_FUNCTION_TIMEOUT",
    "_AWS_XRAY_",
)


def function_environment(
    given: Mapping[str, object],
    chosen: Mapping[str, str],
    *,
    runtime: str,
    runtime_api: str,
    code: Path,
    layers: Iterable[Path],
    python: Path,
    scratch: Path,
    xray_daemon: str | None,
) -> dict[str, str]:
    """The whole environment of a function's process.

    `given` is what the emulator would give its container, `chosen` the function's own configured
    variables (they win, as on Lambda). `runtime_api` is host:port. `scratch` stands for /tmp.
    `xray_daemon` is host:port of the X-Ray daemon, or None for Lambda's default.
    """
    kept = {
        name: str(value)
        for name, value in given.items()
        if value is not None and not name.startswith(NOT_LAMBDAS)
    }
    roots = list(layers)
    version = runtime.removeprefix("python")
    on_layers = [
        str(root / part)
        for root in roots
        for part in ("python", f"python/lib/python{version}/site-packages")
    ]
    return (
        kept
        | {
            "AWS_LAMBDA_RUNTIME_API": runtime_api,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{runtime}",
            "LAMBDA_TASK_ROOT": str(code),
            "LAMBDA_RUNTIME_DIR": str(python.parent),
            "LANG": "en_US.UTF-8",
            "PATH": ":".join(
                [*(str(root / "bin") for root in roots), str(python.parent), "/usr/bin", "/bin"]
            ),
            "PYTHONPATH": ":".join([*on_layers, *filter(None, [chosen.get("PYTHONPATH")])]),
            "PYTHONUNBUFFERED": "1",
            # a home of its own, so that no ~/.aws of this machine is read
            "HOME": str(scratch),
            "TMPDIR": str(scratch),
        }
        | ({"AWS_XRAY_DAEMON_ADDRESS": xray_daemon} if xray_daemon else {})
        | {name: value for name, value in chosen.items() if name != "PYTHONPATH"}
    )
