"""The operator commands behind the Makefile, for the local AWS and for AWS accounts."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# `sam build` needs the shared package in layer/; the operator commands import it from there.
if str(ROOT / "layer") not in sys.path:
    sys.path.insert(0, str(ROOT / "layer"))
