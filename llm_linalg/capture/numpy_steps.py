"""NumPy's operations as steps: NumPy computes them, and a recorder's nodes say what torch calls them.

    steps = NumpySteps(recorder)
    tree = steps.rewritten(ast.parse(source))
    with recorder:
        exec(compile(tree, file, "exec"), {**steps.names})

Arrays and numbers stay NumPy's own, and are known by their identity. What the program's text does with them
is looked at after the fact: torch tries the same on tensors that share their memory. If it finds the same
cells, the node is one of that torch function, else an opaque one; its cells are NumPy's either way. Strings,
objects and dates have no nodes.
"""

from __future__ import annotations

import ast
import operator
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from types import NoneType
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakValueDictionary, ref

import torch
from torch import Tensor

from llm_linalg.base.untraced import untraced
from llm_linalg.capture.numpy_calls import (
    CREATIONS,
    FAILURES,
    TorchCall,
    Translation,
    creation,
    likeness,
    opaque,
)
from llm_linalg.capture.numpy_tree import FUNCTION_WRITERS, MARK, METHOD_WRITERS, WRITE_BACK, NumpyTree
from llm_linalg.ops.arguments import tensors_in

if TYPE_CHECKING:
    from llm_linalg.recording.recorder import Recorder

ADVICE = "NumPy is not installed: `pip install numpy` gets it"
_SHARED = (
    torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.float16, torch.float32,
    torch.float64, torch.complex64, torch.complex128,
)  # fmt: skip
_DTYPES = {str(own).removeprefix("torch."): own for own in _SHARED}
"""The dtypes of arrays that torch computes with, by NumPy's names, which are torch's."""
SURE = 4  # times that a call was found to be torch's, or not, after which its like is not tried again
_PLAIN: Mapping[type[ast.AST] | None, Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.MatMult: operator.matmul,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.USub: operator.neg,
    ast.Invert: operator.invert,
    None: operator.getitem,
}
"""What an operator does, by its class; without one, what brackets do."""


def has_numpy() -> bool:
    """Return whether NumPy is installed, which is no dependency."""
    return find_spec("numpy") is not None


def mentions_numpy(text: str) -> bool:
    """Return whether a program may hold an array: its text names NumPy, or a method that gives one."""
    return "numpy" in text


def with_advice(error: ModuleNotFoundError) -> ModuleNotFoundError:
    """Return an error of a missing module as it is, or saying how to get NumPy."""
    return ModuleNotFoundError(ADVICE, name=error.name) if error.name == "numpy" else error


class _Trial(NamedTuple):
    """A call of NumPy's that torch is to try."""

    key: tuple[Any, ...]
    name: str
    args: Any
    kwargs: Any
    results: Sequence[Tensor]
    casts: Mapping[int, Tensor]
    dtype: torch.dtype | None
    writes: bool


class NumpySteps:
    """Looks at what a program does with arrays, and tells a recorder.

    Args:
        recorder: The recorder, which says where the program is.

    Attributes:
        names: What the tree of the program calls: names of its namespace.
        tried: How often a call was found in torch: by NumPy's name and `exact`, `rounding` or `opaque`.

    Raises:
        ModuleNotFoundError: Without NumPy.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._numpy = numpy = import_module("numpy")
        self._recorder = recorder
        self._tree = NumpyTree()
        self._translation = Translation(numpy)
        self._known: dict[
            int, tuple[Any, Tensor]
        ] = {}  # by the id of an array (with a weak reference) or a number
        self._roots: WeakValueDictionary[int, Tensor] = (
            WeakValueDictionary()
        )  # by the id of the array that owns memory
        self._copies: dict[int, Tensor] = {}  # by the id of an array that counts backwards
        self._dtypes: dict[Any, torch.dtype | None] = {}  # by NumPy's
        self._sure: Counter[tuple[Any, ...]] = Counter()
        self._pending: set[int] = set()  # places of writes whose operands have nodes
        self.tried: Counter[tuple[str, str]] = Counter()
        arrays = frozenset([numpy.ndarray, numpy.matrix, numpy.ma.MaskedArray, *numpy.sctypeDict.values()])
        linalg, one = numpy.linalg, numpy.eye(1)
        several = {
            tuple,
            list,
            *[type(give(one)) for give in (linalg.eig, linalg.eigh, linalg.qr, linalg.svd)],
        }
        self.names: dict[str, Any] = {
            ".type": type,
            ".slice": slice,
            ".tuple": tuple,
            ".arrays": arrays,
            ".numbers": arrays | {int, float, bool, complex},
            ".results": arrays | several,
            ".writes": arrays | several | {NoneType},
            ".saw": self._saw,
            ".saw_call": self._saw_call,
            ".do": self._do,
            ".do_call": self._do_call,
            ".items": self._items,
            ".before": self._note_before,
            ".wrote": self._wrote,
            ".augmented": self._augmented,
        }

    def rewritten(self, tree: ast.Module) -> ast.Module:
        """Return the tree of a program, or of a part of it, with what looks at arrays."""
        found: ast.Module = self._tree.visit(tree)
        return ast.fix_missing_locations(found)

    def let_go(self, names: dict[str, Any]) -> None:
        """Let go of the operands that are kept in a namespace."""
        for name in [name for name in names if name.startswith(MARK)]:
            names[name] = None

    def tensor(self, thing: Any, *, is_result: bool = False) -> Tensor | None:
        """Return the tensor of an array or a number of NumPy's; None for what has none, such as strings.

        Args:
            thing: The array.
            is_result: Whether a call has just given it, whose node is to come.
        """
        memory = self._memory(thing)
        axes = _backwards(thing) if memory is not None else []
        if memory is None or not axes:
            return memory
        with untraced():
            copied = torch.flip(memory, axes)  # no tensor counts backwards
            last = self._copies.get(id(thing))
            if last is not None and last.shape == copied.shape and torch.equal(last, copied):
                return last
            self._copies[id(thing)] = copied
            if not is_result:
                self._recorder.note_call(torch.flip, (memory, axes), {}, copied)
        return copied

    def _memory(self, thing: Any) -> Tensor | None:
        """Return the tensor that shares an array's memory, in the order that memory has."""
        if isinstance(thing, Tensor):
            return thing
        dtype = self._dtype(thing)
        if dtype is None:
            return None
        known = self._known.get(id(thing))
        if known is not None and known[1].shape == thing.shape and known[1].dtype == dtype:
            return known[1]
        with untraced():
            if isinstance(thing, self._numpy.generic):
                made = torch.tensor(thing.item(), dtype=dtype)
            else:
                axes = _backwards(thing)
                made = self._on_root(self._numpy.flip(thing, axes) if axes else thing)
        if not isinstance(thing, self._numpy.bool):  # there is one object for all that are true
            self._link(thing, made)
        return made

    # What the tree calls

    def _saw(self, site: int, result: Any, *operands: Any) -> Any:
        """Tell of an operator, of an item or of a view."""
        name = self._tree.sites[site].name
        is_own = any(isinstance(own, self._numpy.ndarray | self._numpy.generic) for own in operands)
        if name == "__getitem__" and not isinstance(operands[0], self._numpy.ndarray | self._numpy.generic):
            is_trick = type(operands[0]).__module__.startswith("numpy") and not isinstance(operands[0], tuple)
            name, is_own = "index_trick", is_trick  # np.r_[…]
        if is_own and not self._recorder.is_paused:
            with untraced():
                self._tell(name, operands, {}, [result], is_operator=True)
        return result

    def _saw_call(self, site: int, result: Any, owner: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Tell of a call."""
        attribute = self._tree.sites[site].name
        function = getattr(owner, attribute) if attribute else owner
        if isinstance(owner, Tensor):
            if attribute == "numpy" and isinstance(result, self._numpy.ndarray):
                self._link(result, owner)
            return result
        name = self._name_of(function)
        if not name:
            return result
        own = getattr(function, "__self__", None)
        operands = (own, *args) if isinstance(own, self._numpy.ndarray | self._numpy.generic) else args
        is_write = self._is_pending(site)
        if self._recorder.is_paused:
            return result
        with untraced():
            target = (
                self._target(name, operands, kwargs, is_method=len(operands) > len(args))
                if is_write
                else None
            )
            results = result if isinstance(result, tuple | list) else [result]
            if target is not None:
                named = {key: value for key, value in kwargs.items() if key != "out"}
                self._tell_write(name, operands, named, target)
            elif result is not None and not any(item is given for item in results for given in operands):
                self._tell(name, operands, kwargs, results)
        return result

    def _do(self, site: int, /, *operands: Any) -> Any:
        """Evaluate an operator, an item or a view where Python lets nothing be kept."""
        kind = self._tree.sites[site].operator
        result = _PLAIN[kind](*operands)
        return self._saw(site, result, *operands) if type(result) in self.names[".arrays"] else result

    def _do_call(self, site: int, owner: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Make a call: where Python lets nothing be kept, or one that may make a tensor of an array."""
        attribute = self._tree.sites[site].name
        function = getattr(owner, attribute) if attribute else owner
        if args and isinstance(args[0], self._numpy.ndarray) and function in _MAKERS:
            return self._made_of_array(function, args[0], *args[1:], **kwargs)
        result = function(*args, **kwargs)
        if type(result) in self.names[".results"]:
            self._saw_call(site, result, owner, *args, **kwargs)
        return result

    def _items(self, thing: Any) -> Any:
        """Return what a loop goes through, or what is unpacked."""
        return self._rows(thing) if isinstance(thing, self._numpy.ndarray) and thing.ndim else thing

    def _rows(self, thing: Any) -> Iterator[Any]:
        for place, row in enumerate(thing):
            if not self._recorder.is_paused:
                with untraced():
                    self._tell("__getitem__", (thing, place), {}, [row])
            yield row

    def _note_before(self, site: int, value: Any, /, *others: Any) -> Any:
        """Before arrays may be written: give the operands nodes, and keep what nodes show of them."""
        name = self._tree.sites[site].name
        is_array = isinstance(value, self._numpy.ndarray)
        if name == WRITE_BACK and is_array and self._numpy.may_share_memory(value, others[0]):
            return value  # a view, which has been written already
        with untraced():
            arrays = [own for own in _flat((value, *others)) if isinstance(own, self._numpy.ndarray | Tensor)]
            memory = [own for item in arrays if (own := self._memory(item)) is not None]
            if not self._recorder.is_paused:
                for own in (*memory, *map(self._as_tensor, arrays)):
                    if isinstance(own, Tensor):
                        self._recorder.operand(own)
                self._pending.add(site)
            self._recorder.note_unrecorded_write(memory)
            if name == "resize":
                self.let_go(sys._getframe(1).f_globals)
                self._forget(memory)
        return value

    def _is_pending(self, site: int) -> bool:
        """Return, once, whether a write was announced."""
        is_pending = site in self._pending
        self._pending.discard(site)
        return is_pending

    def _wrote(self, site: int, thing: Any, index: Any, value: Any) -> None:
        """Tell of a written item."""
        if self._is_pending(site) and not self._recorder.is_paused:
            with untraced():
                self._tell_write("__setitem__", (thing, index, value), {}, thing)

    def _augmented(self, site: int, result: Any, old: Any, value: Any) -> None:
        """Tell of an operator that writes into its first operand; into a number it can't."""
        name, is_write = self._tree.sites[site].name[:-1], self._is_pending(site)
        if self._recorder.is_paused:
            return
        with untraced():
            if result is not old:
                self._tell(name, (old, value), {}, [result], is_operator=True)
            elif is_write:
                self._tell_write(name, (old, value), {}, result)

    # Telling

    def _tell(
        self,
        name: str,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        results: Sequence[Any],
        *,
        is_operator: bool = False,
    ) -> None:
        """Tell of a call that gave arrays or numbers; an operator of numbers that nobody knows is none."""
        if any(id(item) in self._known for item in results):  # the program's function has given it again
            return
        made = [self.tensor(item, is_result=True) for item in results]
        given = [item for item in made if item is not None]
        if not given or len(given) < len(made):
            return
        own_args, own_kwargs = _mapped(args, self._as_tensor), _mapped(dict(kwargs), self._as_tensor)
        values = list(tensors_in((own_args, own_kwargs)))
        has_strange = any(
            isinstance(own, self._numpy.ndarray) for own in _flat((own_args, *own_kwargs.values()))
        )
        if not values and (has_strange or is_operator):  # an array of strings, say
            return
        if not values or name in CREATIONS:
            args, kwargs = _mapped(args, _plain), _mapped(dict(kwargs), _plain)
            for tensor in given:
                self._recorder.note_call(*creation(name, args, kwargs, tensor), tensor)
            return
        call = self._torch_call(name, own_args, own_kwargs, given, {id(item): item for item in values})
        self._recorder.note_call(*call, tuple(given) if len(given) > 1 else given[0])

    def _tell_write(self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any], target: Any) -> None:
        """Tell of a call that wrote into an array, whose nodes still show what was there."""
        written = self._memory(target)
        if written is None or name == "resize":  # moved memory comes in anew
            return
        own_args, own_kwargs = _mapped(args, self._as_tensor), _mapped(dict(kwargs), self._as_tensor)
        tensors = list(tensors_in((own_args, own_kwargs)))
        if _backwards(target):
            self._recorder.note_write_call(opaque(name), (written, *tensors), {}, written)
            return
        olds = {id(item): self._recorder.operand(item).value for item in tensors}
        call = self._torch_call(name, own_args, own_kwargs, [written], olds, writes=True)
        self._recorder.note_write_call(*call, written)

    def _torch_call(
        self,
        name: str,
        args: Any,
        kwargs: Any,
        results: Sequence[Tensor],
        values: Mapping[int, Tensor],
        *,
        writes: bool = False,
    ) -> TorchCall:
        """Return the torch call that gives the same, on the program's tensors; else an opaque one.

        Args:
            name: NumPy's name of the function.
            args: Its arguments, tensors in place of arrays.
            kwargs: Those with names.
            results: What NumPy gave.
            values: The values of the operands, by the ids of their tensors: of a write, as they were.
            writes: Whether it wrote into its first operand.
        """
        key = name, _plain_key(args), _plain_key(kwargs), tuple(own.dtype for own in results)
        usual = torch.get_default_dtype()
        torch.set_default_dtype(torch.float64)
        try:
            # NumPy casts by itself what torch wants to be told.
            for dtype in (None, results[0].dtype) if self._sure[key] < SURE else ():
                casts = {own: value if dtype is None else value.to(dtype) for own, value in values.items()}
                trial = _Trial((*key, dtype), name, args, kwargs, results, casts, dtype, writes)
                call = self._attempt(trial)
                if call is not None:
                    return self._on_program(
                        call, {id(own): own for own in tensors_in((args, kwargs))}, values, casts
                    )
        finally:
            torch.set_default_dtype(usual)
        self._sure[key] += 1
        self.tried[name, "opaque"] += 1
        return TorchCall(opaque(name), tuple(tensors_in((args, kwargs))), {})

    def _attempt(self, trial: _Trial) -> TorchCall | None:
        """Try a call of torch's on the values of the operands; return it if it gives the results."""

        def cast(own: Any) -> Any:
            return trial.casts.get(id(own), own) if isinstance(own, Tensor) else own

        try:
            args, kwargs = _mapped(trial.args, cast), _mapped(trial.kwargs, cast)
            call = self._translation.of(trial.name, args, kwargs, trial.results[0], trial.dtype)
            if self._sure[trial.key] >= SURE:
                return call
            own_args = _mapped(call.args, _cloned) if trial.writes else call.args
            tried = call.function(*own_args, **call.kwargs)
            how = likeness(own_args[0] if tried is None else tried, trial.results)
        except FAILURES:
            return None
        if how:
            self.tried[trial.name, how] += 1
            self._sure[trial.key] += 1
        return call if how else None

    def _on_program(
        self,
        call: TorchCall,
        program: Mapping[int, Tensor],
        values: Mapping[int, Tensor],
        casts: Mapping[int, Tensor],
    ) -> TorchCall:
        """Return a call with the program's tensors in place of their values; tell of those that were cast."""
        back: dict[int, Tensor] = {}
        for key, own in casts.items():
            back[id(own)] = program[key] if own is values[key] else own
            if own is not values[key]:
                self._recorder.note_call(Tensor.to, (program[key], own.dtype), {}, own)

        def named(own: Any) -> Any:
            if not isinstance(own, Tensor) or id(own) in back:
                return back.get(id(own), own)
            if own.dim():  # a list of numbers
                self._recorder.note_call(*creation("array", (), {}, own), own)
            return own if own.dim() else own.item()

        return TorchCall(call.function, _mapped(call.args, named), _mapped(dict(call.kwargs), named))

    # Arrays and their tensors

    def _name_of(self, function: Any) -> str:
        """Return NumPy's name of a function; empty if it is not NumPy's, or gives no array of its own."""
        numpy, owner = self._numpy, getattr(function, "__self__", None)
        name = str(getattr(function, "__name__", ""))
        if isinstance(function, numpy.ufunc):
            return name
        if isinstance(owner, numpy.ndarray | numpy.generic):
            return name
        if isinstance(owner, numpy.ufunc):
            return f"{owner.__name__}.{name}"
        module = getattr(function, "__module__", None) or type(owner).__module__
        if isinstance(owner, numpy.random.Generator | numpy.random.RandomState):
            return f"random.{name}"
        if isinstance(function, type) or not str(module).startswith("numpy"):
            return ""
        return f"{module[6:]}.{name}".strip(".").replace("lib._index_tricks_impl.", "")

    def _target(
        self, name: str, operands: Sequence[Any], kwargs: Mapping[str, Any], *, is_method: bool
    ) -> Any:
        """Return the array that a call has written into; None if it writes into none, as `np.sort`."""
        is_writer = name.rpartition(".")[2] in (METHOD_WRITERS if is_method else FUNCTION_WRITERS)
        out = kwargs.get("out", operands[0] if operands and is_writer else None)
        out = out[0] if isinstance(out, tuple) else out
        return out if isinstance(out, self._numpy.ndarray) else None

    def _made_of_array(self, function: Any, array: Any, *args: Any, **kwargs: Any) -> Any:
        """Make a tensor of an array, and keep the link."""
        with untraced():
            own = self.tensor(array)
            result: Tensor = function(array, *args, **kwargs)
            if own is None or self._recorder.is_paused:
                return result
            if result.data_ptr() == own.data_ptr() and result.dtype == own.dtype:
                self._recorder.note_same(result, own)
            elif result.dtype == own.dtype:
                self._recorder.note_call(torch.clone, (own,), {}, result)
            else:
                self._recorder.note_call(Tensor.to, (own, result.dtype), {}, result)
        return result

    def _dtype(self, thing: Any) -> torch.dtype | None:
        if not isinstance(thing, self._numpy.ndarray | self._numpy.generic):
            return None
        kind = thing.dtype
        if kind not in self._dtypes:
            self._dtypes[kind] = _DTYPES.get(kind.name) if kind.isnative else None
        return self._dtypes[kind]

    def _link(self, thing: Any, tensor: Tensor) -> None:
        key = id(thing)
        if isinstance(thing, self._numpy.ndarray):
            self._known[key] = (
                ref(thing, lambda _: (self._known.pop(key, None), self._copies.pop(key, None))),
                tensor,
            )
        else:
            self._known[key] = thing, tensor

    def _on_root(self, array: Any) -> Tensor:
        """Return the tensor of an array as a view of the tensor of the array that owns its memory."""
        if not array.size:
            return torch.from_numpy(array.copy())
        root = array
        while isinstance(root.base, self._numpy.ndarray):
            root = root.base
        if not root.flags.forc or not root.flags.writeable or root.dtype != array.dtype:
            return torch.from_numpy(array if array.flags.writeable else array.copy())
        whole = self._roots.get(id(root))
        if whole is None or whole.data_ptr() != root.ctypes.data:
            known = self._known.get(id(root))  # of an array that a tensor gave
            of_tensor = known is not None and not known[1].storage_offset() and known[1].is_contiguous()
            whole = (
                known[1].detach() if of_tensor and known is not None else torch.from_numpy(root.ravel("K"))
            )
            self._roots[id(root)] = whole
        size = array.itemsize
        offset = (array.ctypes.data - root.ctypes.data) // size
        strides = [stride // size for stride in array.strides]
        # No view in torch's sense: that would hold the whole, whose memory may have to move.
        return torch.empty(0, dtype=whole.dtype).set_(whole.untyped_storage(), offset, array.shape, strides)

    def _forget(self, tensors: Sequence[Tensor]) -> None:
        """Let tensors leave the memory of arrays that is about to move, and forget the arrays."""
        places = {own.untyped_storage().data_ptr() for own in tensors}
        for key, (_, own) in list(self._known.items()):
            if own.untyped_storage().data_ptr() in places:
                del self._known[key]
                own.data = own.clone()
        self._roots.clear()

    def _as_tensor(self, value: Any) -> Any:
        """Return an operand: the tensor of an array, or of a number that is known; else a plain value."""
        if isinstance(value, self._numpy.ndarray) or id(value) in self._known:
            own = self.tensor(value)
            return value if own is None else own
        return value.item() if isinstance(value, self._numpy.generic) else value


_MAKERS: tuple[Any, ...] = (torch.from_numpy, torch.tensor, torch.as_tensor, torch.asarray)


def _backwards(thing: Any) -> list[int]:
    """Return the axes along which an array counts backwards through its memory."""
    return [axis for axis, stride in enumerate(getattr(thing, "strides", ())) if stride < 0]


def _flat(value: Any) -> Iterator[Any]:
    if value.__class__ in (tuple, list):
        for item in value:
            yield from _flat(item)
    else:
        yield value


def _plain(value: Any) -> Any:
    """Return a number of NumPy's as one of Python's."""
    is_number = hasattr(value, "item") and not getattr(value, "shape", True)
    return value.item() if is_number else value


def _cloned(value: Any) -> Any:
    return value.clone() if isinstance(value, Tensor) else value


def _mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    """Return arguments with each changed, those in lists too."""
    kind = value.__class__
    if kind is dict:
        return {key: _mapped(item, change) for key, item in value.items()}
    if kind is tuple or kind is list:
        return kind(_mapped(item, change) for item in value)
    if kind is slice:
        return slice(*[_mapped(item, change) for item in (value.start, value.stop, value.step)])
    return change(value)


def _plain_key(value: Any) -> Any:
    """Return what is alike in arguments of calls that need not be tried each."""
    kind = value.__class__
    if kind is dict:
        return tuple((key, _plain_key(item)) for key, item in value.items())
    if kind is tuple or kind is list:
        return kind, *[_plain_key(item) for item in value]
    if isinstance(value, Tensor):
        return value.dtype, value.dim()
    return kind if kind in (int, float, bool, complex) else repr(value)
