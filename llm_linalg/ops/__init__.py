"""The table of operations: one entry each, one file a family.

To add an operation, add an entry to the family that says how its cells are made. The tests hold
every entry against torch: its values, what it reads, its shape rule and its gradient.
"""

from __future__ import annotations

from llm_linalg.ops.call import Call as Call
from llm_linalg.ops.composite import COMPOSITES
from llm_linalg.ops.contraction import CONTRACTIONS
from llm_linalg.ops.creation import CREATIONS
from llm_linalg.ops.indexing import SCATTERS
from llm_linalg.ops.mask import MASKS
from llm_linalg.ops.movement import MOVEMENTS
from llm_linalg.ops.operation import Operation as Operation
from llm_linalg.ops.pointwise_table import POINTWISE
from llm_linalg.ops.reduction import reductions
from llm_linalg.ops.registry import Registry
from llm_linalg.ops.rowwise import ROWWISE

TABLE = Registry(
    (
        *CONTRACTIONS,
        *POINTWISE,
        *reductions({operation.name: operation for operation in POINTWISE}),
        *MOVEMENTS,
        *SCATTERS,
        *ROWWISE,
        *MASKS,
        *CREATIONS,
        *COMPOSITES,
    )
)
