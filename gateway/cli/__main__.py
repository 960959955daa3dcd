"""``python -m gateway.cli``: the same as the command ``gateway``."""

import sys

from gateway.cli import main

sys.exit(main())
