"""Environment variables of a function's process: Lambda's, and none of the emulator's own.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

# Prefixes of the variables that the emulators add for the init process of their own containers.
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
    """Return all environment variables of a function's process.

    Args:
        given: the variables that the emulator would set in its own container; None values are
            left out.
        chosen: the function's configured variables; they override all others, as on Lambda. Its
            PYTHONPATH is appended to that of the layers.
        runtime: the function's runtime, e.g. `python3.13`.
        runtime_api: host:port of the Runtime API.
        code: the folder of the unpacked code.
        layers: the folders of the unpacked layers.
        python: the function's Python interpreter.
        scratch: the folder that stands for /tmp.
        xray_daemon: host:port of the X-Ray daemon, or None for Lambda's default.
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
            # Its own home folder, so that it cannot read this machine's ~/.aws.
            "HOME": str(scratch),
            "TMPDIR": str(scratch),
        }
        | ({"AWS_XRAY_DAEMON_ADDRESS": xray_daemon} if xray_daemon else {})
        | {name: value for name, value in chosen.items() if name != "PYTHONPATH"}
    )
