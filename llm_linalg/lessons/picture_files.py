"""Pictures that a lesson's text names: files beside it, read as they are and never decoded here."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from llm_linalg.base.file_io import lies_in, read_bytes

MOST_BYTES = 4_000_000  # of a picture: a page carries it whole
_KINDS = {b"\x89PNG\r\n\x1a\n": "png", b"\xff\xd8\xff": "jpeg", b"GIF8": "gif", b"RIFF": "webp"}


class PictureFile(NamedTuple):
    """A picture's bytes, and its format: png, jpeg, gif or webp."""

    data: bytes
    kind: str


class PictureError(ValueError):
    """A picture that can't be shown; its text is the reason, a sentence without a full stop."""


def read_picture(lesson: Path | None, name: str) -> PictureFile:
    """Return the picture that a lesson's text names by its path from the lesson's folder.

    Raises:
        PictureError: If it is not there, lies elsewhere, is hidden, is too large, or is no picture.
    """
    if lesson is None or not lies_in(name, lesson.parent):
        raise PictureError("there is no such file beside it, nor below that folder")
    try:
        data = read_bytes(lesson.parent / name, MOST_BYTES + 1)
    except (OSError, ValueError):
        raise PictureError("it can't be read") from None
    if len(data) > MOST_BYTES:
        raise PictureError(f"it has more than {MOST_BYTES // 1_000_000} MB")
    kind = next((kind for mark, kind in _KINDS.items() if data.startswith(mark)), "")
    if not kind or (kind == "webp" and data[8:12] != b"WEBP"):
        raise PictureError("it is no PNG, JPEG, GIF or WebP")
    return PictureFile(data, kind)
