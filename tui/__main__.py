"""``python -m tui`` does the same as ``llm-linalg``."""

from __future__ import annotations

import sys

from tui.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
