"""GAN losses of the CS231n assignment, as its notebook checks them: gan.json.

    python3 tools/reference/gan.py ../shared

reads `golden/gan-checks.npz`, the arrays that the course hands out with the notebook, and writes
their numbers as they are.
"""

import sys
from pathlib import Path

import numpy as np
from fixture import array, write_fixture

SHARED = Path(sys.argv[1])

with np.load(SHARED / "golden" / "gan-checks.npz") as checks:
    write_fixture("gan.json", {name: array(checks[name]) for name in sorted(checks.files)})
