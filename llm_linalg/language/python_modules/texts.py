"""`string`: its constants."""

from __future__ import annotations

import string
from collections.abc import Mapping

MEMBERS: Mapping[str, str] = {
    "ascii_letters": string.ascii_letters,
    "ascii_lowercase": string.ascii_lowercase,
    "ascii_uppercase": string.ascii_uppercase,
    "digits": string.digits,
    "hexdigits": string.hexdigits,
    "octdigits": string.octdigits,
    "punctuation": string.punctuation,
    "printable": string.printable,
    "whitespace": string.whitespace,
}
