"""The flow on the emulator that is not the default, so that Marquee depends on neither of them."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from local_aws.emulator import DEFAULT, EMULATORS, VARIABLE

ROOT = Path(__file__).parents[2]
OTHERS = [name for name in EMULATORS if name != DEFAULT.name]


@pytest.mark.timeout(5400)  # installs a second deployment next to that of the other tests
@pytest.mark.parametrize("emulator", OTHERS)
def test_the_flow_tests_pass_on_the_other_emulator_too(emulator: str, tmp_path: Path) -> None:
    if os.environ.get("ENV", "local") != "local" or os.environ.get(VARIABLE):
        pytest.skip("these tests run on a deployment that was chosen")
    kept = {name: value for name, value in os.environ.items() if name != "MARQUEE_TEST_PORT"}

    with subprocess.Popen(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
            f"--basetemp={tmp_path / 'flow'}",
            "tests/integration/test_flow.py",
        ],
        cwd=ROOT,
        env={**kept, VARIABLE: emulator},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as flow:
        try:
            printed, _ = flow.communicate()
        except BaseException:
            flow.send_signal(signal.SIGINT)  # pytest then stops the deployment that it started
            flow.wait()
            raise

    assert flow.returncode == 0, printed[-10_000:]
