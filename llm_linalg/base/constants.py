"""Words and bounds that lessons, command lines and the engine share; light, so that all may import them."""

from __future__ import annotations

ORDER_NAMES = ("cells", "terms", "rows", "columns", "outer", "wave")  # `llm_linalg.walks.orders` has each
MOST_RANKS = 8  # devices that a program may run on together
