"""How long what a program does takes, in steps: so many of any kind are done in about the same time."""

from __future__ import annotations

import ast
from collections.abc import Mapping

STEPS: Mapping[type[ast.AST], int] = {
    ast.Call: 3,
    ast.Attribute: 2,
    ast.Dict: 2,
    ast.Slice: 2,
    ast.ListComp: 4,
    ast.GeneratorExp: 4,
    ast.DictComp: 4,
    ast.FormattedValue: 3,
    ast.For: 5,
    ast.With: 8,
    ast.FunctionDef: 7,
    ast.Continue: 2,
    ast.Break: 2,
}
"""Expressions and statements that take longer than most, which are one step."""

A_WEIGHING = 4  # before something goes through all items of plain values
A_SET_WEIGHED = 6  # beside that
A_LEVEL = 4  # of items within items
AN_UNPACKING = 2
AN_OWN_CALL = 3  # of a function that the program defines, beside the call that it is
A_CALL = 4  # of torch, whose tensors are counted too
AN_ANSWER = 15  # a call of torch that gives none, but goes to it
A_CALL_BACK = 3  # each that a backward pass goes back through
AN_OPERAND = 10  # each beyond the first few of a call
FEW = 4  # operands, which most calls have at most
PARAMETERS_A_STEP = 20  # of a function that is defined, if one has a default
NAMES_UNPACKED_A_STEP = 4
CHAINED_NAMES_A_STEP = 20  # of all scopes that are looked through
NAMES_A_STEP = 4  # that a function binds, or that are kept as they were before a loop, beyond a few
FEW_NAMES = 40
A_FIELD = 1  # such as x.shape, beside the attribute that it is
A_TEXT = 150  # of a tensor, beside its cells
A_LAYER = 70
A_FIELD_STORED = 6  # of a tensor: its gradient, say
A_LAYER_STORED = 8  # or a weight of one, in a layer
A_LAYER_MET = 2  # for each layer within one that something is done with
A_LAYERS_NAME = 3  # for each layer within it
A_SLICED_LAYER = 8  # likewise
A_VIEW_WRITTEN = 4  # times the cells of the memory that is looked into

# In items of plain values that are gone through:
A_CELL = 100  # of a notebook
A_FAILURE = 400  # that is passed over
A_CLASH = 1_500  # of shapes: likewise
A_PLACE = 10  # of a list that says which items of a tensor are meant
TEXT_OF_A_CELL = 90
TEXT_OF_AN_ITEM = 10

# As long as so many steps, beside those that they are: it counts where nobody knows how much a program does.
EFFORT_OF_A_NODE = 5  # of a program, to read it
EFFORT_OF_A_TENSOR = 57  # that a call of torch gives
EFFORT_OF_ANOTHER = 16  # beyond the first of a call
EFFORT_OF_A_LOOK = 60  # at a call that is like none before
EFFORT_OF_A_RARE_CALL = 140  # more, of an operation whose calls are like none
EFFORT_OF_A_FIELD = 2  # of an f-string
EFFORT_OF_A_LOOP = 4
EFFORT_OF_A_NUMBER = 25  # that a tensor holds
EFFORT_OF_A_WRITE = 38  # into a tensor
EFFORT_OF_A_RENEWAL = 285  # of a tensor that was written through another
EFFORT_OF_ANOTHER_WRITER = 2  # beyond the first whose cells it shows
EFFORT_OF_A_PASS_BACK = 340
EFFORT_OF_A_CALL_BACK = 27
EFFORT_OF_A_CALL_LOOKED_AT = 8  # what a gradient goes back through, the first time
EFFORT_OF_A_CALL_WALKED = 6  # by a rehearsal that goes back
EFFORT_OF_A_TEXT = 310  # of a tensor, beside its cells
EFFORT_OF_A_SHOWN_CELL = 9
EFFORT_OF_A_SHOWN_LIST = 7  # of a tensor's cells, beside those
EFFORT_OF_A_SHOWN_ITEM = 2  # of plain values, if it is a fraction of many digits
EFFORT_OF_A_SHOWING = 2  # of anything, beside those
EFFORT_OF_A_LAYER = 57  # that is called, or one of whose methods is
EFFORT_OF_A_LAYER_MET = 5  # by a method of one that it is in
EFFORT_OF_A_NEW_LAYER = 200
EFFORT_OF_A_NAME = 2  # of a tensor, or of each layer within one
EFFORT_OF_AN_OWN_CALL = 6
EFFORT_OF_A_TRUTH = 8  # of a tensor
EFFORT_OF_A_REHEARSAL = 9  # for each of its steps
RENEWED_AN_EFFORT = 60  # cells of a memory of which a renewed tensor shows who wrote them
CELLS_AN_EFFORT = 185
EFFORT_OF_A_FACTOR = 500  # of an einsum, beyond a few
EFFORT_OF_A_WAY_BACK = {
    "scaled_dot_product_attention": 45,
    "cumprod": 40,
    "einsum": 25,
    "rms_norm": 15,
    "normalize": 10,
}  # beside that of any other: of calls that torch takes apart into many
IN_NO_TIME = 1_000  # cells or multiplications that a gradient goes back through
EFFORT_OF_A_GLANCE = 9  # at what a view shows, when its memory was written
LOOKED_AN_EFFORT = 1_500  # cells of which is asked who wrote them last
WRITTEN_AN_EFFORT = 110  # cells of a large memory that is written: they are copied first
WORK_AN_EFFORT = 9_000  # multiplications of a product of matrices
A_PRODUCTS_CELL = 2  # each takes as long as so many others, also if it needs few multiplications
ITEMS_AN_EFFORT = 3  # that a call of torch is given
A_JOINED_LAYER = 13  # items that are gone through in the time in which a layer is put into another
AN_OPERATION = 25  # items, likewise, on dicts, what their methods give, and sizes
REPEATED_AN_ITEM = 5  # that a list or a text times a number has
ITEMS_GONE_THROUGH = 3  # in an effort
LETTERS_AN_EFFORT = 15  # of a number that is formatted
LETTERS_COPIED_AN_EFFORT = 2_000  # of a text to which something is put
LETTERS_AN_ITEM = 50  # of texts that are made, all of which may be kept
A_LETTER_READ = 2  # steps, of a program, by Python's parser and ours
SCOPES_A_STEP = 10  # of functions within functions, in which a name is looked up
COMPARED_A_STEP = 10  # letters with letters, to find the nearest name
LETTERS_A_STEP = 4_000  # of a text by which something is looked up

_SLOW = """
    2: argmax argmin isfinite cosine_similarity softplus logsigmoid bincount count_nonzero softmax log_softmax
    2: contiguous flip setitem scatter scatter_add gather arange tanh
    2: repeat tile logsumexp gelu erf
    3: multinomial one_hot kron sin cos
    3: randn rand randint randn_like rand_like nonzero
    4: normalize where masked_fill mish kl_div exp exp2 expm1 sqrt rsqrt log log2 log10 log1p
    5: sort argsort topk var std isclose allclose
    6: norm vector_norm randperm floor_divide remainder
    8: cumsum cumprod
    10: pow dropout bernoulli median
    12: getitem
    36: unique mode
"""


def _times(table: str) -> Mapping[str, int]:
    """Return how many times each name counts."""
    return {
        name: int(times)
        for times, names in (line.split(":") for line in table.split("\n") if line.strip())
        for name in names.split()
    }


SLOW: Mapping[str, int] = _times(_SLOW)
"""Operations of which a cell takes several times as long as of a sum, or does of some numbers: of very small
ones a root, say, takes forty times as long as of others."""
READING = frozenset(["equal", "scatter", "scatter_add"])
"""Operations that may go through more cells than they give."""
_ROWS = """
    50: layer_norm batch_norm
    40: repeat_interleave
    28: cross_entropy
    30: embedding
    15: one_hot rms_norm
"""
ROWS: Mapping[str, int] = _times(_ROWS)
"""How long a thousand rows take of an operation, beside their cells: it counts if they are short."""
_LINES = """
    340: cosine_similarity
    195: std var
    200: normalize
    150: argmax argmin
    60: logsumexp
    75: softmax
    60: norm vector_norm
    28: log_softmax median
    20: max min amax amin
    15: sort topk argsort
"""
LINES: Mapping[str, int] = _times(_LINES)
"""Likewise a thousand lines along the axis that an operation reduces or sorts."""
HALF, HALF_SOFTMAX = 2, 28  # times as long as others numbers of 16 bits take
MATRICES = 10  # a thousand of them in a product
HALF_MATRICES = 250  # of numbers of 16 bits
TRIANGLES, A_TRIANGLE = frozenset(["tril", "triu"]), 80  # of a thousand matrices
ATTENTIONS, HALF_ATTENTIONS = 370, 2_000
A_QUERY = 60  # a thousand of those of an attention
DROPPED = 50  # a thousand scores, of which some are dropped
A_PICKED_ROW = 90  # a thousand, of cells that don't lie one beside the other
AN_INNER_LIST = 800  # a thousand of those that a tensor is made of
SCATTERED = 3  # times as long as others take cells that don't lie one beside the other
MOVED = 2  # likewise if they are only moved
DOUBLE = 2  # times as long as others numbers of 64 bits take
MANY_AXES = 8  # of which one is short: each cell of such a tensor takes
BY_MANY = 7  # times as long
A_FILLED_CELL = 4  # of a layer: likewise
WHOLE_NUMBERS = 8  # so many times as long as others a product of them takes
A_WHOLE_NUMBER = 11  # likewise each that it reads, of which there may be as many as multiplications
