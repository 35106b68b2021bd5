"""What the Makefile calls: everything an operator does, locally and on AWS."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# The shared package lies where `sam build` wants it; the operator's tools use the same one.
if str(ROOT / "layer") not in sys.path:
    sys.path.insert(0, str(ROOT / "layer"))
