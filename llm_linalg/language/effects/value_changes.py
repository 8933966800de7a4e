"""What changes values in place, as far as its text tells."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Mapping, Sequence

from llm_linalg.base.syntax import descendants
from llm_linalg.language.effects.names_in_code import (
    DEFINITIONS,
    bindings,
    is_module_path,
    names_handed,
    names_in,
    own_parts,
    plain_targets,
    roots_of,
)

_ALTERING = """
    append extend insert remove pop clear sort reverse update add discard setdefault popitem appendleft
    popleft
    extendleft rotate subtract move_to_end difference_update intersection_update symmetric_difference_update
    backward step zero_grad train eval load_state_dict apply requires_grad_ register_buffer register_parameter
    register_module add_module register_forward_hook register_forward_pre_hook register_full_backward_hook
    register_full_backward_pre_hook register_hook register_post_accumulate_grad_hook to cuda half double
    float bfloat16
    manual_seed add_param_group
    set_state fit fit_transform write writelines send close shuffle fill put resize itemset
"""
ALTERING = frozenset(_ALTERING.split())
"""Methods that change what they are called on, unless that is a tensor."""
_OF_TENSORS = frozenset(["requires_grad_", "register_hook", "register_post_accumulate_grad_hook"])
IN_PLACE = frozenset(["sort", "fill", "put", "resize", "itemset", "partition"])
"""Methods of NumPy's arrays that change them."""
_CONTAINER_WORDS = """
    append extend insert remove pop clear sort reverse add discard setdefault popitem appendleft popleft
    extendleft rotate move_to_end
"""
CONTAINER_METHODS = frozenset(_CONTAINER_WORDS.split())
"""Methods by which a list and its like change, and not what they are given."""
_UPDATES = frozenset(["update", "difference_update", "intersection_update"])
ITEM_METHODS = CONTAINER_METHODS - {"sort", "reverse"} | _UPDATES
"""Methods that give a list and its like other items, and leave the items as they are."""
CHANGING_METHODS = (ALTERING | IN_PLACE) - ITEM_METHODS
_OF_VALUES = frozenset(["data", "grad", "requires_grad", "shape", "dtype", "real", "imag"])
"""Attributes of tensors and arrays that can be assigned to."""
_READING_METHODS = ["cpu", "parameters", "named_parameters", "buffers", "children", "modules", "state_dict"]
_OF_ANYBODY = ["fit", "fit_transform", "apply", "write", "writelines", "send", "close", "shuffle"]
_APART_WORDS = """
    zeros ones full empty tensor rand randn randint randperm arange linspace eye zeros_like ones_like
    full_like empty_like rand_like randn_like stack cat clone deepcopy
"""
_APART = frozenset(_APART_WORDS.split())
"""Functions of torch's whose results share no memory with what they are given."""
_APART_METHODS_WORDS = """
    clone copy item tolist sum mean std var prod exp log sqrt tanh sigmoid softmax log_softmax argmax
    argmin new_zeros new_ones new_full new_empty count lower upper strip replace join
"""
_APART_METHODS = frozenset(_APART_METHODS_WORDS.split())
"""Methods whose results share none with what they are called on."""
FAMILIAR = (ALTERING | {*_READING_METHODS} | _APART_METHODS) - {*_OF_ANYBODY}
"""Methods that draw no random numbers, whatever has them."""
LOOKING = frozenset(["print", "repr", "str", "len", "type", "isinstance", "issubclass", "id", "callable"])
"""Functions that call nothing of what they are given, but what its class says of how it looks."""
_NUMBERS = frozenset(
    ["len", "int", "float", "str", "bool", "abs", "round", "range", "ord", "chr", "defaultdict"]
)
_CONTAINERS = frozenset(["list", "dict", "set", "sorted", "Counter", "OrderedDict", "deque"])
_CHANGING_WORDS = """
    setattr delattr setitem delitem shuffle heappush heappop heapify heapreplace heappushpop insort
    fill_diagonal copyto putmask put_along_axis __setattr__ __delattr__ __setitem__ __delitem__
"""
_CHANGING_FUNCTIONS = frozenset(_CHANGING_WORDS.split())
_COUNTING = frozenset(["batch_norm", "instance_norm"])
_NEVER = 1_000
_DUNDER = re.compile(r"__\w+__")
_LONGEST_TEXT = 10_000  # characters of a text that is parsed
_TRAINING = 5  # the place of what says whether it is training
_TRAINING_WORDS = frozenset(["training", "use_input_stats"])
_TYPES = frozenset(["list", "dict", "set", "deque", "Counter", "OrderedDict", "defaultdict"])
_IN_PLACE_AT: Mapping[str, int] = {
    **dict.fromkeys(["relu", "relu6", "selu", "silu", "mish", "hardswish", "hardsigmoid"], 1),
    **dict.fromkeys(["leaky_relu", "elu", "celu"], 2),
    **dict.fromkeys(["threshold", "hardtanh", "dropout", "alpha_dropout", "dropout2d", "dropout3d"], 3),
}
"""The place of `inplace` among the arguments of torch's functions."""
SETTERS = frozenset(["set_default_dtype", "set_default_tensor_type", "set_printoptions", "set_grad_enabled"])
"""Functions that change what every statement below does or prints."""


def changed_names(node: ast.AST) -> Iterator[str]:
    """Yield the names whose values a tree changes in place, its functions left out."""
    for part in () if isinstance(node, DEFINITIONS) else own_parts(node):
        if isinstance(part, ast.Call):
            yield from _written_by_keyword(part)
            yield from _written_by_method(part)
            yield from _written_by_place(part)
        match part:
            case ast.Subscript(ctx=ast.Store() | ast.Del()):
                yield from roots_of(part.value)
            case ast.Attribute(ctx=ast.Store() | ast.Del()) if part.attr in _OF_VALUES:
                yield from roots_of(part.value)
            case ast.AugAssign():
                yield from roots_of(part.target)
            case ast.Call(func=ast.Attribute(value=owner, attr=name)) if name in _CHANGING_FUNCTIONS:
                yield from roots_of(owner)
                yield from names_handed(part)
            case ast.Call(func=ast.Attribute(value=owner, attr=name)) if name in _OF_TENSORS or (
                name.endswith("_") and not name.startswith("_")
            ):
                yield from roots_of(owner)
                yield from _first_argument(part)
            case ast.Call(func=ast.Name(id=name)) if name in _CHANGING_FUNCTIONS or name.endswith("_"):
                yield from _first_argument(part)


def _written_by_place(call: ast.Call) -> Iterator[str]:
    """Yield the names that a call changes because of the place where it is given them."""
    match call.func:
        case ast.Attribute(value=ast.Name(id=kind), attr=name) if kind in _TYPES and name in ALTERING:
            yield from _first_of(call)  # `list.append(xs, 1)`
        case ast.Attribute(attr=name) | ast.Name(id=name) if name in _COUNTING:
            yield from _statistics(call)
        case ast.Attribute(attr=name) | ast.Name(id=name) if len(call.args) > _IN_PLACE_AT.get(name, _NEVER):
            yield from _first_of(call)
        case ast.Attribute(attr="vector_to_parameters") | ast.Name(id="vector_to_parameters"):
            yield from names_handed(call)
        case ast.Attribute(attr="embedding" | "embedding_bag"):
            if any(item.arg == "max_norm" for item in call.keywords):
                yield from names_handed(call)


def _first_of(call: ast.Call) -> Iterator[str]:
    """Yield the names whose values the first argument of a call may be, or be a part of."""
    for item in call.args[:1]:
        yield from roots_of(item)


def _statistics(call: ast.Call) -> Iterator[str]:
    """Yield the names of the running statistics that a call of `F.batch_norm` writes to in training."""
    named = {item.arg: item.value for item in call.keywords}
    is_training = len(call.args) > _TRAINING or _TRAINING_WORDS & named.keys()
    if is_training:
        for item in (
            *call.args[1:3],
            *(named[word] for word in ("running_mean", "running_var") if word in named),
        ):
            yield from roots_of(item)


def written_expressions(part: ast.AST, changed: Collection[str]) -> Iterator[ast.expr]:
    """Yield the expressions to whose values a part of some code writes, or gives names that it changes."""
    match part:
        case ast.Subscript(value=value, ctx=ast.Store() | ast.Del()):
            yield value
        case ast.Attribute(value=value, ctx=ast.Store() | ast.Del()):
            yield value
        case ast.Call(func=ast.Attribute(value=value, attr=name)) if name in ALTERING or name.endswith("_"):
            yield value
    for names, value in bindings(part):
        if not names.isdisjoint(changed):
            yield value


def writes_to_type(node: ast.AST) -> bool:
    """Return whether a tree writes to the class of an object: `type(self).count += 1`."""
    return any(
        isinstance(part, ast.Attribute | ast.Subscript)
        and not isinstance(part.ctx, ast.Load)
        and any(map(_is_type, descendants(part.value)))
        for part in own_parts(node)
    )


def _is_type(node: ast.AST) -> bool:
    match node:
        case ast.Call(func=ast.Name(id="type")) | ast.Attribute(attr="__class__"):
            return True
    return False


def binds_any_name(node: ast.AST) -> bool:
    """Return whether a tree runs code that is a text, or writes to the table of names."""
    for part in descendants(node):
        match part:
            case ast.Call(func=ast.Name(id="exec")):
                return True
            case ast.Call(func=ast.Name(id="eval"), args=arguments) if not _only_gives(arguments):
                return True
            case ast.Call(func=ast.Attribute(value=table, attr="update")) if _is_table(table):
                return True
            case ast.Subscript(value=table, ctx=ast.Store() | ast.Del()) if _is_table(table):
                return True
    return False


def names_made_other(node: ast.AST) -> Iterator[str]:
    """Yield the names of what a statement makes behave otherwise: `f.__code__ = g.__code__`."""
    for part in own_parts(node):
        if (
            isinstance(part, ast.Attribute)
            and not isinstance(part.ctx, ast.Load)
            and _DUNDER.fullmatch(part.attr)
        ):
            yield from roots_of(part.value)


def _only_gives(arguments: Sequence[ast.expr]) -> bool:
    """Return whether what `eval` is given is a text that calls nothing and binds nothing."""
    match arguments:
        case [ast.Constant(value=str(text))] if len(text) <= _LONGEST_TEXT:
            try:
                tree = ast.parse(text.strip(), mode="eval")
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                return False
            return not any(isinstance(part, ast.Call | ast.NamedExpr) for part in descendants(tree))
    return False


def _is_table(node: ast.expr) -> bool:
    match node:
        case ast.Call(func=ast.Name(id="globals" | "locals" | "vars"), args=[]):
            return True
    return False


def _written_by_keyword(call: ast.Call) -> Iterator[str]:
    """Yield the names that a call changes by its keywords: `out=y`, or `x` where there is `inplace=True`."""
    for keyword in [*call.keywords, *_spread_keywords(call)]:
        if keyword.arg == "out":
            yield from roots_of(keyword.value)
        elif keyword.arg == "inplace":
            yield from _first_argument(call)


def _spread_keywords(call: ast.Call) -> Iterator[ast.keyword]:
    """Yield the keywords that a call is handed by dicts which stand there: `out=y` for `**{"out": y}`."""
    for keyword in call.keywords:
        match keyword:
            case ast.keyword(arg=None, value=ast.Dict(keys=keys, values=values)):
                for key, value in zip(keys, values, strict=True):
                    if isinstance(key, ast.Constant) and isinstance(key.value, str):
                        yield ast.keyword(key.value, value)


def _written_by_method(call: ast.Call) -> Iterator[str]:
    """Yield the names that a call changes by a method that it is given, or that it asks for by a text."""
    for item in call.args:
        match item:
            case ast.Attribute(value=owner, attr=name) if name in ALTERING:
                yield from roots_of(owner)
    match call.func:
        case ast.Call(func=ast.Name(id="getattr"), args=[owner, *_]):
            yield from roots_of(owner)


def settings_within(node: ast.AST) -> frozenset[str]:
    """Return the settings that calls in a tree change: `torch.set_printoptions precision`.

    One that a `with` changes holds until it ends, and is none of them.
    """
    parts = [*descendants(node)]
    passing = {item.context_expr for part in parts if isinstance(part, ast.With) for item in part.items}
    calls = [part for part in parts if isinstance(part, ast.Call) and part not in passing]
    return frozenset().union(*map(_settings_of, calls))


def settings(statement: ast.stmt) -> frozenset[str]:
    """Return the settings that a statement surely changes."""
    value = statement.value if isinstance(statement, ast.Expr | ast.Assign) else None
    return _settings_of(value) if isinstance(value, ast.Call) else frozenset()


def _settings_of(call: ast.Call) -> frozenset[str]:
    match call.func:
        case ast.Attribute(value=ast.Name(id="np" | "numpy"), attr=name) if name in SETTERS:
            setter = f"np.{name}"
        case ast.Attribute(attr=name) | ast.Name(id=name) if name in SETTERS:
            setter = f"torch.{name}"
        case _:
            return frozenset()
    # Each keyword is a setting of its own: what sets the width of a line leaves the precision as it is.
    words = [keyword.arg or "" for keyword in call.keywords] or [""]
    return frozenset(f"{setter} {word}".rstrip() for word in words)


def holder_names(node: ast.AST) -> Iterator[str]:
    """Yield the names whose values get other attributes or items in a tree, its functions left out."""
    for part in () if isinstance(node, DEFINITIONS) else own_parts(node):
        match part:
            case ast.Attribute(ctx=ast.Store() | ast.Del()) if part.attr not in _OF_VALUES:
                yield from roots_of(part.value)
            case ast.Call(func=ast.Attribute(value=owner, attr=name)) if name in ITEM_METHODS:
                yield from roots_of(owner)


def all_changed_names(node: ast.AST) -> Iterator[str]:
    """Yield the names whose values a tree changes in any way but their gradients."""
    yield from changed_names(node)
    yield from holder_names(node)
    yield from altered_names(node, CHANGING_METHODS)


def altered_names(node: ast.AST, methods: Collection[str]) -> Iterator[str]:
    """Yield the names whose values a tree changes by one of some methods, its functions left out."""
    for part in () if isinstance(node, DEFINITIONS) else own_parts(node):
        match part:
            case ast.Call(func=ast.Attribute(value=owner, attr=name)) if name in methods:
                yield from roots_of(owner)


def _first_argument(call: ast.Call) -> Iterator[str]:
    """Yield the names of the argument that `nn.init.normal_(w)` writes to; of `x.add_(y)` only where x is."""
    owner = call.func.value if isinstance(call.func, ast.Attribute) else None
    in_module = owner is None or (isinstance(owner, ast.Name | ast.Attribute) and is_module_path(owner))
    if in_module and call.args:
        yield from roots_of(call.args[0])


def stepped_names(node: ast.AST) -> Iterator[str]:
    """Yield the names of the iterators from which a tree takes an item by `next`, its functions left out."""
    for part in () if isinstance(node, DEFINITIONS) else own_parts(node):
        match part:
            case ast.Call(func=ast.Name(id="next"), args=[iterator, *_]):
                yield from roots_of(iterator)


def graded_names(node: ast.AST) -> Iterator[str]:
    """Yield the names of what a tree goes backward from, its functions left out."""
    for part in () if isinstance(node, DEFINITIONS) else own_parts(node):
        match part:
            case ast.Call(func=ast.Attribute(value=owner, attr="backward")):
                yield from roots_of(owner)
                yield from names_handed(part)


def is_fresh(body: Collection[ast.AST], name: str, methods: Collection[str]) -> bool:
    """Return whether a local name is only ever bound to what is made there and then.

    Args:
        body: The parts of a function.
        name: The name.
        methods: The names of methods that the program defines itself.
    """
    is_whole = _is_changed_as_a_whole(body, name)
    for part in body:
        for node in own_parts(part):
            match node:
                case ast.Assign(targets=targets, value=value):
                    bound = {other for target in targets for other in plain_targets(target)}
                    if name in bound and not makes_anew(value, methods, is_whole=is_whole):
                        return False
                case ast.AnnAssign(target=ast.Name(id=other), value=ast.expr() as value) if other == name:
                    if not makes_anew(value, methods, is_whole=is_whole):
                        return False
                case ast.For(target=target) | ast.comprehension(target=target):
                    if name in {*names_in(target)}:
                        return False
                case ast.NamedExpr(target=ast.Name(id=other)) if name == other:
                    return False
                case ast.withitem(optional_vars=ast.expr() as target) if name in {*names_in(target)}:
                    return False
    return True


def is_replaced(body: Sequence[ast.AST], name: str, methods: Collection[str]) -> bool:
    """Return whether a parameter is bound to what is made anew before anything else is done with it."""
    match next((part for part in body if name in {*names_in(part)}), None):
        case ast.Assign(targets=[ast.Name(id=bound)]) if bound == name:
            return is_fresh(body, name, methods)
    return False


def _is_changed_as_a_whole(body: Collection[ast.AST], name: str) -> bool:
    """Return whether a list or the like under a name gets other items, and none of its items changes."""
    whole, stored = 0, 0
    for part in body:
        for node in own_parts(part):
            match node:
                case ast.Subscript(value=ast.Name(id=other), ctx=ast.Store() | ast.Del()) if other == name:
                    whole += 1
                case ast.Call(func=ast.Attribute(value=ast.Name(id=other), attr=method)) if other == name:
                    whole += method in CONTAINER_METHODS or method == "update"
                case ast.AugAssign(target=ast.Subscript(value=ast.Name(id=other))) if other == name:
                    return False  # `ys[0] += 1` may write to the item
                case ast.AugAssign(target=ast.Name(id=other)) if other == name:
                    whole += 1
        stored += sum(root == name for root in all_changed_names(part))
    return whole == stored


def makes_anew(value: ast.expr, methods: Collection[str], *, is_whole: bool) -> bool:
    """Return whether an expression gives a value of its own, and no part of another.

    Args:
        value: The expression.
        methods: The names of methods that the program defines itself.
        is_whole: Whether it may hold parts of others, as none of these changes.
    """
    match value:
        case ast.List() | ast.Dict() | ast.Set() | ast.Tuple():
            return is_whole or not any(isinstance(part, ast.Name) for part in descendants(value))
        case ast.ListComp(elt=item) | ast.SetComp(elt=item) | ast.DictComp(value=item):
            return is_whole or makes_anew(item, methods, is_whole=False)
        case ast.BinOp(left=left, right=right):
            has_items = any(isinstance(part, ast.List | ast.Dict | ast.ListComp) for part in (left, right))
            return is_whole or not has_items
        case ast.Constant() | ast.Compare() | ast.JoinedStr() | ast.UnaryOp():
            return True
        case ast.Call(func=ast.Attribute(value=ast.Name(id="torch" | "np" | "copy"), attr=name)):
            return name in _APART
        case ast.Call(func=ast.Attribute(attr="copy")):  # a list's has the same items
            return is_whole and "copy" not in methods
        case ast.Call(func=ast.Attribute(attr=name)):
            return name in _APART_METHODS and name not in methods
        case ast.Call(func=ast.Name(id=name), args=args, keywords=keywords):
            is_empty = not args and not keywords
            return name in _NUMBERS or (name in _CONTAINERS and (is_whole or is_empty))
    return False
