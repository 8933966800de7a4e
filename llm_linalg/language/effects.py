"""What a statement would do, as far as its text tells: what it binds, changes, reads and draws.

It is asked of statements that were not run: what rests on them must not be shown as if they had been. So it
errs on the side of more. Names stand for values; the functions and classes that a name may hold are known
from the statements that bound it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from keyword import iskeyword
from typing import Any, Literal, NamedTuple

from llm_linalg.base.syntax import LEAVES, children, descendants, statements
from llm_linalg.language.imports import names_of_imports

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_DEFINITIONS = (*_FUNCTIONS, ast.ClassDef)
_NAMED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)

_ALTERING = """
    append extend insert remove pop clear sort reverse update add discard setdefault popitem appendleft
    popleft
    extendleft rotate subtract move_to_end difference_update intersection_update symmetric_difference_update
    backward step zero_grad train eval load_state_dict apply requires_grad_ register_buffer register_parameter
    register_module add_module register_forward_hook register_hook to cuda half double float bfloat16
    manual_seed add_param_group
    set_state fit fit_transform write writelines send close shuffle fill put resize itemset
"""
ALTERING = frozenset(_ALTERING.split())
"""Methods that change what they are called on, unless that is a tensor."""
_OF_TENSORS = frozenset(["requires_grad_", "register_hook"])
_IN_PLACE = frozenset(["sort", "fill", "put", "resize", "itemset", "partition"])
"""Methods of NumPy's arrays that change them."""
_HOLDING_WORDS = """
    append extend insert remove pop clear sort reverse add discard setdefault popitem appendleft popleft
    extendleft rotate move_to_end
"""
_HOLDING = frozenset(_HOLDING_WORDS.split())
"""Methods by which a list and its like change, and not what they are given."""
_GIVING = _HOLDING - {"sort", "reverse"} | {"update", "difference_update", "intersection_update"}
"""Methods that give a list and its like other items, and leave the items as they are."""
_CHANGING_METHODS = (ALTERING | _IN_PLACE) - _GIVING
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
_NUMBERS = frozenset(
    ["len", "int", "float", "str", "bool", "abs", "round", "range", "ord", "chr", "defaultdict"]
)
_CONTAINERS = frozenset(["list", "dict", "set", "sorted", "Counter", "OrderedDict", "deque"])
_CHANGING_FUNCTIONS = frozenset(["next", "setattr", "delattr", "shuffle", "heappush", "heappop", "heapify"])
_FROM_TORCH = """
    rand randn randint randperm normal bernoulli binomial multinomial poisson
    rand_like randn_like randint_like dropout
    dropout1d dropout2d dropout3d alpha_dropout feature_alpha_dropout gumbel_softmax rrelu rsample
    Dropout Dropout1d Dropout2d Dropout3d AlphaDropout RReLU DataLoader RandomSampler random_split uniform_
    normal_ random_ bernoulli_ exponential_ geometric_ cauchy_ log_normal_ trunc_normal_ xavier_uniform_
    xavier_normal_ kaiming_uniform_ kaiming_normal_ orthogonal_ sparse_
"""
_WITH_WEIGHTS = """
    Linear LazyLinear Bilinear Embedding EmbeddingBag Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d
    LazyConv1d LazyConv2d RNN LSTM GRU RNNCell LSTMCell GRUCell MultiheadAttention Transformer
    TransformerEncoder TransformerEncoderLayer TransformerDecoder TransformerDecoderLayer
"""
_FROM_PYTHON = """
    random randrange choice choices sample shuffle gauss uniform betavariate expovariate triangular
    permutation
    standard_normal normalvariate integers
"""
Generator = Literal["torch", "random", "numpy"]
_GENERATORS: Mapping[str, Generator] = {
    **dict.fromkeys(_FROM_TORCH.split(), "torch"),
    **dict.fromkeys(_WITH_WEIGHTS.split(), "torch"),
    **dict.fromkeys(_FROM_PYTHON.split(), "random"),
}
"""What draws random numbers, or makes what draws them, and from which generator."""
_MAKERS = frozenset(_WITH_WEIGHTS.split())
"""What draws once, when it is made: layers with weights."""
_CALLING = ("__call__", "forward", "__init__")
ALL: frozenset[Generator] = frozenset(["torch", "random", "numpy"])
_NONE: frozenset[Generator] = frozenset()
_EMPTY: frozenset[str] = frozenset()
_READING = (
    ast.Name,
    ast.Constant,
    ast.BinOp,
    ast.UnaryOp,
    ast.Compare,
    ast.Attribute,
    ast.Subscript,
    *LEAVES,
)
_SEEDING: Mapping[str, frozenset[Generator]] = {
    "manual_seed": frozenset(["torch"]),
    "seed": frozenset(["random"]),
    "seed_everything": ALL,
    "set_seed": ALL,
}
_WORD = re.compile(r"[^\W\d]\w*")
_BOUND_IN_TEXT = re.compile(
    r"^[ \t]*(?:(?:async[ \t]+)?(?:def|class)[ \t]+(\w+)|for[ \t]+([\w, \t]+?)[ \t]+in\b"
    r"|(?:from[ \t]+[\w.]+[ \t]+)?import[ \t]+(.+)"
    r"|((?:(?<!\w)\(|[\w, \t.*)])+?)[ \t]*(?::[^=\n]+)?[-+*/@|&^%]?=(?!=))",
    re.MULTILINE,
)
_ASIDE = re.compile(r"""(['"])(?:\\.|(?!\1).)*\1|#.*""")  # text in quotes, and comments
_GOES_ON = re.compile(r"[ \t)\]}#]|$|(?:else|elif|except|finally)\b")
_BROKEN = re.compile(r"never closed|unterminated|unmatched|does not match|indent|unexpected EOF")
"""What Python says of a text that it can't have been at any time."""


class Effects(NamedTuple):
    """What a statement would do to names.

    Attributes:
        binds: Names that it binds.
        rebinds: Those of them that it surely binds, to a value of their own.
        changes: Names whose values it changes in place.
        alters: Names whose values it changes unless they are tensors or arrays.
        holds: Names whose values, or parts of them, get other attributes or items, while no tensor changes.
        fills: Names whose values it changes unless they are tensors.
        grades: Names to whose gradients, and those of what they are made of, it adds.
        touches: Names whose values it hands to calls of which nothing is known.
        reads: Names that it reads, those that the functions read which it calls among them.
        draws: The generators from which it may draw random numbers.
        seeds: The generators that it may seed.
        sources: Names of generators of the program's own, by which it draws instead if they are some.
    """

    binds: frozenset[str]
    rebinds: frozenset[str]
    changes: frozenset[str]
    alters: frozenset[str]
    holds: frozenset[str]
    fills: frozenset[str]
    grades: frozenset[str]
    touches: frozenset[str]
    reads: frozenset[str]
    draws: frozenset[Generator]
    seeds: frozenset[Generator]
    sources: frozenset[str]


NO_EFFECTS = Effects(*(_EMPTY,) * 9, _NONE, _NONE, _EMPTY)


Kind = Literal["changes", "holds", "grades"]
"""How a value may change: altogether, but for its tensors, or in the gradients of what it is made of."""
_KINDS: tuple[Kind, ...] = ("changes", "holds", "grades")


class _Writes(NamedTuple):
    """What a function changes: what it is a method of, its other arguments, and names outside it."""

    owner: bool = False
    arguments: bool = False
    outside: frozenset[str] = _EMPTY


class _Facts(NamedTuple):
    """What is known of a function or a class by itself.

    Attributes:
        names: The names in it.
        reads: Those that it reads and that are not its own.
        declares: Those that it declares to be global.
        draws: The generators from which it draws random numbers by itself.
        draws_called: Those from which it draws when what it makes has been made.
    """

    names: frozenset[str]
    reads: frozenset[str]
    declares: frozenset[str]
    draws: frozenset[Generator]
    draws_called: frozenset[Generator]


@dataclass
class Definitions:
    """The functions and classes that names may hold, as the statements so far have bound them.

    Attributes:
        held: By name.
        drawing: Names that hold something which draws random numbers when it is called, and from where.
        methods: The methods of all classes, by name.
        classes: Names of classes.
    """

    held: dict[str, frozenset[Definition]] = field(default_factory=dict)
    drawing: dict[str, frozenset[Generator]] = field(default_factory=dict)
    methods: dict[str, list[Definition]] = field(default_factory=dict)
    classes: set[str] = field(default_factory=set)
    _reached: dict[str, frozenset[Definition]] = field(default_factory=dict)
    _writes: dict[ast.AST, Mapping[Kind, _Writes]] = field(default_factory=dict)
    _known: dict[ast.AST, _Facts] = field(default_factory=dict)

    def note(self, statement: ast.stmt) -> None:
        """Take in a statement, whether or not it was run."""
        if _only_reads(statement):
            return
        self._reached.clear()
        own: list[Definition] = [node for node in descendants(statement) if isinstance(node, _DEFINITIONS)]
        for definition in own:
            for item in definition.body if isinstance(definition, ast.ClassDef) else ():
                if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef):
                    self.methods.setdefault(item.name, []).append(item)
                    own = [one for one in own if one is not item]
            if isinstance(definition, ast.ClassDef):
                self.classes.add(definition.name)
        mentioned = set(_names(statement))
        held = frozenset(own).union(*(self.held.get(name, ()) for name in mentioned))
        is_one = isinstance(statement, _NAMED)
        apart = {call.func for call, _ in _draws_by_name(statement)}
        draws = _NONE if is_one else _draws(statement, apart, making=False) | self._drawn_by(mentioned)
        if not isinstance(statement, ast.ClassDef):
            self.classes -= {*_rebound(statement)}
        targets = {*bound_names(statement), *_names_changed(statement)}
        rebound = set(_rebound(statement))
        for name in targets:
            before = frozenset() if name in rebound else self.held.get(name, frozenset())
            if held or before:
                self.held[name] = before | held
            else:
                self.held.pop(name, None)
            if draws:
                self.drawing[name] = draws
            elif name in rebound:
                self.drawing.pop(name, None)

    def _drawn_by(self, names: Iterable[str]) -> frozenset[Generator]:
        """Return the generators from which what some names hold draws."""
        return _NONE.union(*(self.drawing.get(name, _NONE) for name in names))

    def effects(
        self, statement: ast.stmt, is_unknown: Callable[[str], bool], harmless_methods: Collection[str] = ()
    ) -> Effects:
        """Return what a statement would do.

        Args:
            statement: The statement, which `note` may have taken in or not.
            is_unknown: Says whether nothing is known of the value of a name.
            harmless_methods: Methods that change nothing, whatever has them.
        """
        if _only_reads(statement):
            read = frozenset(loaded_names(statement))
            return NO_EFFECTS._replace(reads=read)
        code = self._reachable(statement)
        facts = [self._facts(definition) for definition in code]
        reads: set[str] = set() if isinstance(statement, _NAMED) else {*loaded_names(statement)}
        reads |= {name for fact in facts for name in fact.reads}
        declared = {name for fact in facts for name in fact.declares}
        changed: dict[Kind, set[str]] = {
            "changes": {*_changed(statement)},
            "holds": {*_given_parts(statement)},
            "grades": {*_graded(statement)},
        }
        touches: set[str] = set()
        by_name = [] if isinstance(statement, _NAMED) else [*_draws_by_name(statement)]
        apart = {call.func for call, _ in by_name}
        draws = _NONE if isinstance(statement, _NAMED) else _draws(statement, apart)
        local = _local_to_parts(statement)
        for node in () if isinstance(statement, _NAMED) else descendants(statement):
            if not isinstance(node, ast.Call):
                continue
            names = set(_roots(node.func))
            handed = set(_arguments(node))
            owner = set(_roots(node.func.value)) if isinstance(node.func, ast.Attribute) else names
            draws |= self._drawn_by(names | handed)
            method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            if method not in harmless_methods and any(self._is_foreign(name, is_unknown) for name in names):
                touches |= set() if method in _HOLDING else handed
                if method not in FAMILIAR:
                    touches |= owner
                    draws = ALL
            for kind, found in self._changed_by(node, local).items():
                changed[kind] |= found
            touches |= _advanced(node)
        mentioned = {*_names(statement)}.union(*(fact.names for fact in facts))
        for definition, fact in zip(code, facts, strict=True):
            is_made = not isinstance(definition, ast.ClassDef) or definition.name in mentioned & self.classes
            draws |= (fact.draws if is_made else fact.draws_called) | self._drawn_by(fact.names)
        return Effects(
            binds=frozenset(bound_names(statement)) | declared,
            rebinds=frozenset(_rebound(statement)),
            changes=frozenset(_with_sources(statement, changed["changes"])),
            alters=frozenset(_with_sources(statement, _altered(statement, ALTERING - _GIVING))),
            holds=frozenset(_with_sources(statement, changed["holds"])),
            fills=frozenset(_with_sources(statement, _altered(statement, _IN_PLACE))),
            grades=frozenset(_with_sources(statement, changed["grades"])),
            touches=frozenset(touches),
            reads=frozenset(reads),
            draws=draws,
            seeds=_NONE.union(*map(seeds_within, (statement, *code))),
            sources=frozenset(name for _, name in by_name),
        )

    def effects_of_text(
        self, text: str, known: Collection[str], is_unknown: Callable[[str], bool], said: str
    ) -> Effects:
        """Return what a cell may do that can't be parsed as a whole.

        Args:
            text: Its text.
            known: The names that have values.
            is_unknown: As for `effects`.
            said: What Python says of it: of what was never a program nothing is run, so that it changes
                nothing.
        """
        found = [NO_EFFECTS]
        for piece in _pieces(text):
            try:
                body = [] if piece.lstrip()[:1] in ("%", "!", "?") else statements(piece).body
            except (SyntaxError, ValueError, MemoryError, RecursionError):
                found.append(effects_of_text(piece, known))
                continue
            for statement in body:
                self.note(statement)
                found.append(self.effects(statement, is_unknown))
        whole = _joined(found)
        if _BROKEN.search(said):
            return NO_EFFECTS._replace(binds=whole.binds, rebinds=whole.rebinds)
        return whole

    def _is_foreign(self, name: str, is_unknown: Callable[[str], bool]) -> bool:
        """Return whether nothing is known of what a name holds: no value, and no code."""
        if not is_unknown(name):
            return False
        classes = [item for item in self.held.get(name, ()) if isinstance(item, ast.ClassDef)]
        bases = {root for item in classes for base in item.bases for root in _roots(base)}
        return not self.held.get(name) or any(map(is_unknown, bases - self.held.keys()))

    def _reachable(self, statement: ast.stmt) -> set[Definition]:
        """Return the functions and classes that a statement may call, directly or not."""
        found: set[Definition] = set()
        names = [] if isinstance(statement, _NAMED) else [frozenset(_names(statement))]
        while names:
            for name in names.pop():
                new = self.held.get(name, frozenset()) - found
                found |= new
                names += [self._facts(definition).names for definition in new]
        return found

    def _facts(self, definition: Definition) -> _Facts:
        """Return what is known of a function or class by itself, found once."""
        if definition not in self._known:
            self._known[definition] = _facts_of(definition)
        return self._known[definition]

    def _held_by(self, name: str) -> frozenset[Definition]:
        """Return the functions and classes that what a name holds may call or have been made by."""
        if name not in self._reached:
            found: set[Definition] = set()
            names = [name]
            while names:
                new = self.held.get(names.pop(), frozenset()) - found
                found |= new
                names += [other for definition in new for other in self._facts(definition).names]
            self._reached[name] = frozenset(found)
        return self._reached[name]

    def _called(self, call: ast.Call, local: Collection[str]) -> Iterator[Definition]:
        """Yield the functions that a call may go to, and those whose arguments it may call.

        Args:
            call: The call.
            local: Names that are not those of the program there.
        """
        func = call.func
        name = func.attr if isinstance(func, ast.Attribute) else None
        roots = set(_roots(func))
        known = frozenset() if roots & {*local} else frozenset().union(*map(self._held_by, roots))
        if name is not None:
            yield from self._methods(name, known)
        wanted = _CALLING if name is None else (name,)
        if isinstance(func, ast.Name) and func.id in self.classes and func.id not in local:
            wanted = ("__init__",)
        for root in roots:
            for definition in self.held.get(root, ()):
                if isinstance(definition, ast.ClassDef):
                    yield from (item for one in wanted for item in self._methods(one, known))
                elif name is None:
                    yield definition
        for root in set(_arguments(call)):
            for definition in self.held.get(root, ()):
                if not isinstance(definition, ast.ClassDef):
                    yield definition

    def _methods(self, name: str, known: frozenset[Definition]) -> list[Definition]:
        """Return the methods of that name: those of known classes, or of all if none of those has it."""
        every = self.methods.get(name, [])
        own = {item for one in known if isinstance(one, ast.ClassDef) for item in one.body}
        return [method for method in every if method in own] or every

    def _is_stateless(self, name: str) -> bool:
        """Return whether a name is that of a class whose objects share nothing that they could change."""
        held = self.held.get(name, frozenset())
        if name not in self.classes or len(held) != 1:
            return False
        (definition,) = held
        return isinstance(definition, ast.ClassDef) and not any(
            isinstance(item, ast.Assign | ast.AnnAssign | ast.AugAssign)
            and not isinstance(item.value, ast.Constant | None)
            for one in self._held_by(name)
            if isinstance(one, ast.ClassDef)
            for item in one.body
        )

    def _changed_by(self, call: ast.Call, local: Collection[str] = ()) -> dict[Kind, set[str]]:
        """Return the names whose values the functions of the program change to which a call goes, by kind."""
        apart = {name for name in self.classes - {*local} if self._is_stateless(name)}
        handed, names = set(_arguments(call, apart)), set(_roots(call.func, apart))
        owner = set(_roots(call.func.value, apart)) if isinstance(call.func, ast.Attribute) else names
        changed: dict[Kind, set[str]] = {kind: set() for kind in _KINDS}
        for definition in {*self._called(call, local)}:
            is_new = isinstance(definition, ast.FunctionDef) and definition.name == "__init__"
            for kind, writes in self._written(definition).items():
                found = changed[kind]
                found |= owner if writes.owner and not is_new else set()
                found |= writes.outside | (handed if writes.arguments else set())
        return changed

    def _written(self, definition: Definition) -> Mapping[Kind, _Writes]:
        """Return what a function changes, by kind; while that of a recursive one is worked out, nothing."""
        if definition not in self._writes:
            self._writes[definition] = {}
            self._writes[definition] = self._work_out(definition)
        return self._writes[definition]

    def _work_out(self, definition: Definition) -> Mapping[Kind, _Writes]:
        if isinstance(definition, ast.ClassDef):
            return {"changes": _Writes(owner=True)}
        body = [definition.body] if isinstance(definition, ast.Lambda) else definition.body
        changed: dict[Kind, set[str]] = {
            "changes": {
                name for part in body for name in (*_changed(part), *_altered(part, _CHANGING_METHODS))
            },
            "holds": {name for part in body for name in _given_parts(part)},
            "grades": {name for part in body for name in _graded(part)},
        }
        scope = _scope_of(definition)
        for part in body:
            for node in descendants(part):
                if isinstance(node, ast.Call):
                    for kind, found in self._changed_by(node, scope.inner).items():
                        changed[kind] |= found
        for part in body:  # what a comprehension goes through
            for found in changed.values():
                found |= _with_sources(part, found & (scope.inner - scope.local - {*scope.parameters}))
        own = scope.parameters[:1] if scope.parameters[:1] in (["self"], ["cls"]) else []
        others = {*scope.parameters[len(own) :]}
        writes: dict[Kind, _Writes] = {}
        for kind, found in changed.items():
            # A local name may stand for an argument: `for p in parameters: p -= …`.
            behind = found & scope.local - {*scope.parameters}
            through = bool(behind) and (
                kind == "grades" or not all(_is_fresh(body, name, self.methods) for name in behind)
            )
            outside = self._facts(definition).reads if through and kind == "grades" else _EMPTY
            writes[kind] = _Writes(
                owner=bool(own and (found & {*own} or through)),
                arguments=bool(found & others) or (through and bool(others)),
                outside=frozenset(found - scope.inner) | outside,
            )
        return writes


class _Scope(NamedTuple):
    """The names of a function: its parameters, those that it binds, and all that are its own somewhere."""

    parameters: list[str]
    local: set[str]
    inner: set[str]


def _scope_of(definition: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> _Scope:
    body = [definition.body] if isinstance(definition, ast.Lambda) else definition.body
    args = definition.args
    parameters = [arg.arg for arg in (*args.posonlyargs, *args.args, *args.kwonlyargs)]
    parameters += [arg.arg for arg in (args.vararg, args.kwarg) if arg is not None]
    local = {name for part in body if isinstance(part, ast.stmt) for name in bound_names(part)}
    return _Scope(parameters, local, {*local, *parameters}.union(*map(_local_to_parts, body)))


def effects_of_text(text: str, known: Iterable[str]) -> Effects:
    """Return what a text may do that can't be parsed: it binds what stands left of an equals sign."""
    targets = [
        target.strip(" \t*()")
        for found in _BOUND_IN_TEXT.finditer(text)
        for group in found.groups()
        if group
        for target in re.split(r",|\bas\b", group)
    ]
    words = frozenset(_WORD.findall(_ASIDE.sub(" ", text)))
    dotted = {target.partition(".")[0] for target in targets if "." in target}
    return NO_EFFECTS._replace(
        binds=frozenset(name for name in targets if _WORD.fullmatch(name) and not iskeyword(name)),
        changes=frozenset(dotted & words),
        touches=words & frozenset(known),
        reads=words,
        draws=ALL,
    )


def _joined(several: Sequence[Effects]) -> Effects:
    """Return the effects of several statements together."""
    fields: Any = zip(*several, strict=True)
    return Effects(*(frozenset().union(*field) for field in fields))


def _pieces(text: str) -> Iterator[str]:
    """Yield the parts of a text that begin at its margin, so that each may be a statement."""
    piece: list[str] = []
    for line in text.split("\n"):
        if piece and not _GOES_ON.match(line):
            yield "\n".join(piece)
            piece = []
        piece.append(line)
    yield "\n".join(piece)


def _only_reads(statement: ast.stmt) -> bool:
    """Return whether a statement is an expression in which nothing is called."""
    return isinstance(statement, ast.Expr) and all(
        isinstance(part, _READING) for part in descendants(statement.value)
    )


def _names(node: ast.AST) -> Iterator[str]:
    """Yield the names that stand anywhere in a tree."""
    for part in descendants(node):
        if isinstance(part, ast.Name):
            yield part.id


def _is_numpys(node: ast.AST) -> bool:
    """Return whether a node is `np.random.name`."""
    match node:
        case ast.Attribute(value=ast.Attribute(value=ast.Name(id="np" | "numpy"), attr="random")):
            return True
    return False


def loaded_names(node: ast.AST) -> Iterator[str]:
    """Yield the names that a tree reads."""
    for part in descendants(node):
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load):
            yield part.id
        elif isinstance(part, ast.AugAssign) and isinstance(part.target, ast.Name):
            yield part.target.id


def _facts_of(definition: Definition) -> _Facts:
    declared = {
        name for part in descendants(definition) if isinstance(part, ast.Global) for name in part.names
    }
    own: set[str] = set()
    if not isinstance(definition, ast.ClassDef):
        args = definition.args
        own = {part.arg for part in descendants(args) if isinstance(part, ast.arg)}
        body = [definition.body] if isinstance(definition, ast.Lambda) else definition.body
        own |= {name for part in body for name in bound_names(part)}
    return _Facts(
        names=frozenset(_names(definition)),
        reads=frozenset(loaded_names(definition)) - (own - declared),
        declares=frozenset(declared),
        draws=_draws(definition),
        draws_called=_draws(definition, making=False),
    )


def _draws_by_name(statement: ast.stmt) -> Iterator[tuple[ast.Call, str]]:
    """Yield each call of a statement that draws at once, by a generator that a name holds, and the name."""
    for part in _own_parts(statement):
        match part:
            case ast.Call(func=ast.Attribute(attr=word)) if word in _GENERATORS and word.islower():
                for keyword in part.keywords:
                    if keyword.arg == "generator" and isinstance(keyword.value, ast.Name):
                        yield part, keyword.value.id


def _draws(node: ast.AST, apart: Collection[ast.AST] = (), *, making: bool = True) -> frozenset[Generator]:
    """Return the generators from which something in a tree draws, by what it is called.

    Args:
        node: The tree.
        apart: Parts of it that don't count.
        making: Whether layers are made; else only what draws each time that it is called counts.
    """
    parts = [*descendants(node)]
    named = [part for part in parts if isinstance(part, ast.Attribute) and part not in apart]
    words = {part.attr for part in named if not _is_numpys(part)}
    words |= {part.id for part in parts if isinstance(part, ast.Name)} - {"random"}
    words = words & _GENERATORS.keys() if making else (words & _GENERATORS.keys()) - _MAKERS
    found = {_GENERATORS[word] for word in words}
    found |= {"torch"} if "sample" in words else set()  # a method of torch's distributions, too
    if any(isinstance(part, ast.Attribute) and part.attr == "sample" for part in parts):
        found.add("torch")  # that of a distribution; `random.sample` draws from Python's
    # NumPy's functions have the names of torch's and Python's: they are told by the `random` before them.
    return frozenset(found | ({"numpy"} if any(map(_is_numpys, parts)) else set()))


def seeds(statement: ast.stmt) -> frozenset[Generator]:
    """Return the generators that a statement surely seeds."""
    value = statement.value if isinstance(statement, ast.Expr | ast.Assign) else None
    match value:
        case ast.Call(func=ast.Attribute(attr="seed") as called) if _is_numpys(called):
            return frozenset(["numpy"])
        case ast.Call(func=ast.Attribute(value=owner, attr=name)):
            own = isinstance(owner, ast.Name) and owner.id in ("torch", "random", "pl", "cuda")
            return _SEEDING.get(name, _NONE) if own else _NONE
        case ast.Call(func=ast.Name(id=name)):
            return _SEEDING.get(name, _NONE)
    return _NONE


def seeds_within(node: ast.AST) -> frozenset[Generator]:
    """Return the generators that something in a tree seeds, by what it is called."""
    parts = [*descendants(node)]
    words = {part.attr for part in parts if isinstance(part, ast.Attribute)}
    words |= {part.id for part in parts if isinstance(part, ast.Name)}
    numpys: frozenset[Generator] = frozenset(["numpy"]) if any(map(_is_numpys, parts)) else _NONE
    return numpys.union(*(_SEEDING[word] for word in words & _SEEDING.keys()))


def _roots(node: ast.AST, apart: Collection[str] = ()) -> Iterator[str]:
    """Yield the names whose values an expression may be, or be a part of: `x` of `x.view(-1)[0]`.

    Args:
        node: The expression.
        apart: Names of classes that share nothing with their objects.
    """
    todo = [node]
    while todo:
        match todo.pop():
            case ast.Name(id=name):
                yield name
            case ast.Attribute(value=value) | ast.Subscript(value=value) | ast.Starred(value=value):
                todo.append(value)
            case ast.NamedExpr(value=value) | ast.Await(value=value):
                todo.append(value)
            case ast.Call() as call:
                made = isinstance(call.func, ast.Name) and call.func.id in apart
                todo += [
                    *(() if made else (call.func,)),
                    *call.args,
                    *(keyword.value for keyword in call.keywords),
                ]
            case ast.IfExp(body=body, orelse=other):
                todo += [body, other]
            case ast.Tuple() | ast.List() | ast.Set() | ast.Dict() | ast.BoolOp() as several:
                todo += children(several)
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp() | ast.Lambda() as inner:
                yield from _names(inner)


def _arguments(call: ast.Call, apart: Collection[str] = ()) -> Iterator[str]:
    for item in (*call.args, *(keyword.value for keyword in call.keywords)):
        yield from _roots(item, apart)


def _local_to_parts(node: ast.AST) -> set[str]:
    """Return the names that stand for something of their own within parts of a tree."""
    found = {part.arg for part in descendants(node) if isinstance(part, ast.arg)}
    for part in descendants(node):
        if isinstance(part, ast.comprehension):
            found |= {*_names(part.target)}
        elif isinstance(part, _FUNCTIONS) and not isinstance(part, ast.Lambda):
            found |= {name for item in part.body for name in bound_names(item)}
    return found


def _graded(node: ast.AST) -> Iterator[str]:
    """Yield the names of what a tree goes backward from, its functions left out."""
    for part in () if isinstance(node, _DEFINITIONS) else _own_parts(node):
        match part:
            case ast.Call(func=ast.Attribute(value=owner, attr="backward")):
                yield from _roots(owner)
                yield from _arguments(part)


def _own_parts(node: ast.AST) -> Iterator[ast.AST]:
    """Yield a statement and its parts, without the bodies of the functions and classes that it defines."""
    todo = [node]
    while todo:
        part = todo.pop()
        yield part
        if not isinstance(part, _DEFINITIONS):
            todo += children(part)


def bound_names(statement: ast.AST) -> Iterator[str]:
    """Yield the names that a statement binds in its own scope."""
    comprehended = {
        name
        for part in _own_parts(statement)
        if isinstance(part, _COMPREHENSIONS)
        for generator in part.generators
        for name in _names(generator.target)
    }
    for part in _own_parts(statement):
        match part:
            case ast.Name(ctx=ast.Store() | ast.Del()) if part.id not in comprehended:
                yield part.id
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield part.name
            case ast.Import() | ast.ImportFrom():
                yield from names_of_imports(part)
            case ast.ExceptHandler(name=str() as name) | ast.MatchAs(name=str() as name):
                yield name
            case ast.MatchStar(name=str() as name) | ast.MatchMapping(rest=str() as name):
                yield name


def _rebound(statement: ast.stmt) -> Iterator[str]:
    """Yield the names that a statement surely binds anew."""
    match statement:
        case ast.Assign():
            for target in statement.targets:
                yield from _plain_targets(target)
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr()):
            yield name
        case ast.FunctionDef() | ast.ClassDef() | ast.AsyncFunctionDef():
            yield statement.name
        case ast.Import() | ast.ImportFrom():
            yield from names_of_imports(statement)
        case ast.With():
            for inner in statement.body:
                yield from _rebound(inner)


def _plain_targets(target: ast.expr) -> Iterator[str]:
    match target:
        case ast.Name():
            yield target.id
        case ast.Tuple() | ast.List():
            for item in target.elts:
                yield from _plain_targets(item)
        case ast.Starred():
            yield from _plain_targets(target.value)


def _changed(node: ast.AST) -> Iterator[str]:
    """Yield the names whose values a tree changes in place, its functions left out."""
    for part in () if isinstance(node, _DEFINITIONS) else _own_parts(node):
        if isinstance(part, ast.Call) and part.keywords:
            yield from _written_by_keyword(part)
        match part:
            case ast.Subscript(ctx=ast.Store() | ast.Del()):
                yield from _roots(part.value)
            case ast.Attribute(ctx=ast.Store() | ast.Del()) if part.attr in _OF_VALUES:
                yield from _roots(part.value)
            case ast.AugAssign():
                yield from _roots(part.target)
            case ast.Call(func=ast.Attribute(value=owner, attr=name)) if name in _CHANGING_FUNCTIONS:
                yield from _roots(owner)
                yield from _arguments(part)
            case ast.Call(func=ast.Attribute(value=owner, attr=name)) if name in _OF_TENSORS or (
                name.endswith("_") and not name.startswith("_")
            ):
                yield from _roots(owner)
                yield from _first_argument(part)
            case ast.Call(func=ast.Name(id=name)) if name in _CHANGING_FUNCTIONS or name.endswith("_"):
                yield from _first_argument(part)


def _written_by_keyword(call: ast.Call) -> Iterator[str]:
    """Yield the names that a call changes by its keywords: `out=y`, or `x` where there is `inplace=True`."""
    for keyword in call.keywords:
        if keyword.arg == "out":
            yield from _roots(keyword.value)
        elif keyword.arg == "inplace":
            yield from _first_argument(call)


def _advanced(call: ast.Call) -> set[str]:
    """Return the names of the generators of random numbers that a call draws from."""
    found = {name for item in call.keywords if item.arg == "generator" for name in _roots(item.value)}
    func = call.func
    if isinstance(func, ast.Attribute) and func.attr in _GENERATORS and not _is_module_path(func.value):
        found |= {*_roots(func.value)}
    return found


def _with_sources(statement: ast.AST, changed: Iterable[str]) -> set[str]:
    """Return names whose values a statement changes, with those that it binds them from.

    In `for t in (a, b): t[0] = 1` the values of a and b are changed.
    """
    found = set(changed)
    sources = [*_sources(statement)] if found else []
    while True:
        more = {name for bound, names in sources if bound & found for name in names} - found
        if not more:
            return found
        found |= more


def _sources(statement: ast.AST) -> Iterator[tuple[set[str], set[str]]]:
    """Yield the names that parts of a statement bind, with those from whose values."""
    for part in _own_parts(statement):
        match part:
            case ast.For(target=target, iter=value) | ast.comprehension(target=target, iter=value):
                yield {*_roots(target)}, {*_roots(value)}
            case ast.Assign(targets=targets, value=value):
                yield {name for target in targets for name in _plain_targets(target)}, {*_roots(value)}
            case ast.NamedExpr(target=target, value=value):
                yield {*_roots(target)}, {*_roots(value)}
            case ast.withitem(context_expr=value, optional_vars=ast.expr() as target):
                yield {*_roots(target)}, {*_roots(value)}


def _given_parts(node: ast.AST) -> Iterator[str]:
    """Yield the names whose values get other attributes or items in a tree, its functions left out."""
    for part in () if isinstance(node, _DEFINITIONS) else _own_parts(node):
        match part:
            case ast.Attribute(ctx=ast.Store() | ast.Del()) if part.attr not in _OF_VALUES:
                yield from _roots(part.value)
            case ast.Call(func=ast.Attribute(value=owner, attr=name)) if name in _GIVING:
                yield from _roots(owner)


def _names_changed(node: ast.AST) -> Iterator[str]:
    """Yield the names whose values a tree changes in any way but their gradients."""
    yield from _changed(node)
    yield from _given_parts(node)
    yield from _altered(node, _CHANGING_METHODS)


def _altered(node: ast.AST, methods: Collection[str]) -> Iterator[str]:
    """Yield the names whose values a tree changes by one of some methods, its functions left out."""
    for part in () if isinstance(node, _DEFINITIONS) else _own_parts(node):
        match part:
            case ast.Call(func=ast.Attribute(value=owner, attr=name)) if name in methods:
                yield from _roots(owner)


def _first_argument(call: ast.Call) -> Iterator[str]:
    """Yield the names of the argument that `nn.init.normal_(w)` writes to; of `x.add_(y)` only where x is."""
    owner = call.func.value if isinstance(call.func, ast.Attribute) else None
    in_module = owner is None or (isinstance(owner, ast.Name | ast.Attribute) and _is_module_path(owner))
    if in_module and call.args:
        yield from _roots(call.args[0])


def _is_module_path(node: ast.expr) -> bool:
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name) and node.id in ("torch", "nn", "F", "init", "random", "np")


def _is_fresh(body: Collection[ast.AST], name: str, methods: Collection[str]) -> bool:
    """Return whether a local name is only ever bound to what is made there and then.

    Args:
        body: The parts of a function.
        name: The name.
        methods: The names of methods that the program defines itself.
    """
    is_whole = _is_changed_as_a_whole(body, name)
    for part in body:
        for node in _own_parts(part):
            match node:
                case ast.Assign(targets=targets, value=value):
                    bound = {other for target in targets for other in _plain_targets(target)}
                    if name in bound and not _makes(value, methods, is_whole=is_whole):
                        return False
                case ast.AnnAssign(target=ast.Name(id=other), value=ast.expr() as value) if other == name:
                    if not _makes(value, methods, is_whole=is_whole):
                        return False
                case ast.For(target=target) | ast.comprehension(target=target):
                    if name in {*_names(target)}:
                        return False
                case ast.NamedExpr(target=ast.Name(id=other)) if name == other:
                    return False
                case ast.withitem(optional_vars=ast.expr() as target) if name in {*_names(target)}:
                    return False
    return True


def _is_changed_as_a_whole(body: Collection[ast.AST], name: str) -> bool:
    """Return whether a list or the like under a name gets other items, and none of its items changes."""
    whole, stored = 0, 0
    for part in body:
        for node in _own_parts(part):
            match node:
                case ast.Subscript(value=ast.Name(id=other), ctx=ast.Store() | ast.Del()) if other == name:
                    whole += 1
                case ast.Call(func=ast.Attribute(value=ast.Name(id=other), attr=method)) if other == name:
                    whole += method in _HOLDING or method == "update"
                case ast.AugAssign(target=ast.Subscript(value=ast.Name(id=other))) if other == name:
                    return False  # `ys[0] += 1` may write to the item
        stored += sum(root == name for root in _names_changed(part))
    return whole == stored


def _makes(value: ast.expr, methods: Collection[str], *, is_whole: bool) -> bool:
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
            return is_whole or _makes(item, methods, is_whole=False)
        case ast.BinOp(left=left, right=right):
            has_items = any(isinstance(part, ast.List | ast.Dict | ast.ListComp) for part in (left, right))
            return is_whole or not has_items
        case ast.Constant() | ast.Compare() | ast.JoinedStr() | ast.UnaryOp():
            return True
        case ast.Call(func=ast.Attribute(value=ast.Name(id="torch" | "np" | "copy"), attr=name)):
            return name in _APART
        case ast.Call(func=ast.Attribute(attr=name)):
            return name in _APART_METHODS and name not in methods
        case ast.Call(func=ast.Name(id=name), args=args, keywords=keywords):
            is_empty = not args and not keywords
            return name in _NUMBERS or (name in _CONTAINERS and (is_whole or is_empty))
    return False
