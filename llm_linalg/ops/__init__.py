"""The table of operations: one entry each, one file a family. README.md shows how to add one."""

from __future__ import annotations

from llm_linalg.ops.operation import Call as Call
from llm_linalg.ops.operation import Operation as Operation
from llm_linalg.ops.table import TABLE as TABLE
