"""The package's description: the README with its pictures as text, since an index has no files beside it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

PICTURE = re.compile(r"^!\[.*\]\((.*)\.svg\)\n<!-- made by: .* -->$", re.MULTILINE)


class Description(MetadataHookInterface):
    """Writes the description as a package is built."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set the description."""
        root = Path(self.root)
        text = (root / "README.md").read_text(encoding="utf-8")

        def screen(picture: re.Match[str]) -> str:
            return f"```text\n{(root / picture[1]).with_suffix('.txt').read_text(encoding='utf-8')}```"

        metadata["readme"] = {"content-type": "text/markdown", "text": PICTURE.sub(screen, text)}
