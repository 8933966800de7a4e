"""NumPy's operations as steps: NumPy computes them, and a recorder's nodes say what torch calls them.

    steps = NumpySteps(recorder)
    tree = steps.rewritten(ast.parse(source))
    with recorder:
        exec(compile(tree, file, "exec"), {**steps.names})

Arrays and numbers stay NumPy's own, and are known by their identity. What the program's text does with them
is done here, and then told: torch tries the same on tensors that share their memory. If it finds the same
cells, the node is one of that torch function, else an opaque one; its cells are NumPy's either way. Strings,
objects and dates have no nodes.
"""

from __future__ import annotations

import ast
import builtins
import operator
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary, ref

import torch
from torch import Tensor

from llm_linalg.base.untraced import untraced
from llm_linalg.capture.numpy_calls import (
    CREATIONS,
    FAILURES,
    TorchCall,
    creation,
    likeness,
    opaque,
    translated,
)
from llm_linalg.capture.numpy_tree import ARRAY_OPERATIONS, ITEM, NumpyTree
from llm_linalg.ops.arguments import leaves, tensors_in

if TYPE_CHECKING:
    from llm_linalg.recording.recorder import Recorder

_SHARED = (
    torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.float16, torch.float32,
    torch.float64, torch.complex64, torch.complex128,
)  # fmt: skip
_DTYPES = {str(own).removeprefix("torch."): own for own in _SHARED}
"""The dtypes of arrays that torch computes with, by NumPy's names, which are torch's."""
SURE = 4  # times that a call was found to be torch's, or not, after which its like is not tried again
_METHOD_WRITERS = frozenset(["fill", "sort", "partition", "put", "itemset", "setfield"])
_FUNCTION_WRITERS = frozenset(
    ["shuffle", "copyto", "put", "place", "putmask", "fill_diagonal", "put_along_axis", "at"]
)  # what writes to its first argument
_MAKERS = frozenset(map(id, (torch.from_numpy, torch.tensor, torch.as_tensor, torch.asarray)))
_CALLABLES = ("builtins", "numpy", "_cython")  # modules of the types of functions, and of NumPy's
_FUNCTIONS = frozenset([FunctionType, MethodType])
_PLAIN_OWNERS = frozenset([list, dict, str, set])


def may_hold_arrays(text: str) -> bool:
    """Return whether a program may hold an array: it names NumPy, which need not be installed."""
    return "numpy" in text and find_spec("numpy") is not None


class NumpySteps:
    """Does what a program does with arrays, and tells a recorder.

    Attributes:
        names: What the tree of the program calls: names of its namespace.
        tried: How often a call was found in torch: by NumPy's name and `exact`, `rounding` or `opaque`.

    Raises:
        ModuleNotFoundError: Without NumPy.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._numpy = numpy = import_module("numpy")
        self._recorder = recorder
        # By the id of an array (with a weak reference) or of a number.
        self._known: dict[int, tuple[Any, Tensor]] = {}
        # By the id of the array that owns memory.
        self._roots: WeakValueDictionary[int, Tensor] = WeakValueDictionary()
        self._copies: dict[int, Tensor] = {}  # by the id of an array that counts backwards
        self._sure: Counter[tuple[Any, ...]] = Counter()
        self.tried: Counter[tuple[str, str]] = Counter()
        tricks = map(type, (numpy.r_, numpy.c_, numpy.mgrid, numpy.ogrid))
        self._kinds = frozenset(
            [numpy.ndarray, numpy.matrix, numpy.ma.MaskedArray, *numpy.sctypeDict.values(), *tricks]
        )
        self.names: dict[str, Any] = {
            ".type": type,
            ".slice": slice,
            ".arrays": self._kinds,
            ".texts": frozenset([str, bytes]),
            **{f".{own.name}": self._doing(own.name, own.function) for own in ARRAY_OPERATIONS},
            **{
                f".{own.name}=": self._amending(own.name, own.in_place)
                for own in ARRAY_OPERATIONS
                if own.in_place
            },
            ".call": self._call,
            ".items": self._items,
            ".put": self._put,
        }

    def rewritten(self, tree: ast.Module) -> ast.Module:
        """Return the tree of a program, or of a part of it, with what looks at arrays."""
        changed: ast.Module = NumpyTree({*dir(builtins)} - {*dir(self._numpy)}).visit(tree)
        return ast.fix_missing_locations(changed)

    # Arrays and their tensors

    def tensor(self, thing: Any, *, is_result: bool = False) -> Tensor | None:
        """Return the tensor of an array or a number of NumPy's; None for what has none, such as strings.

        With `is_result` a call has just given it, whose node is to come.
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

    def _doing(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return what evaluates an operator, an item or a view."""
        kinds, saw = self._kinds, self._saw

        def do(*operands: Any) -> Any:
            result = function(*operands)
            return saw(name, operands, result) if type(result) in kinds else result

        return do

    def _amending(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return what does what `+=` and the like do: it writes into an array, or makes something new."""
        make_new = self._doing(name, function)

        def amend(old: Any, value: Any) -> Any:
            if isinstance(old, self._numpy.ndarray):
                return self._write(name, (old, value), {}, old, partial(function, old, value))
            return make_new(old, value)

        return amend

    def _saw(self, name: str, operands: Sequence[Any], result: Any) -> Any:
        """Tell of an operator, an item or a view that gave an array or a number, and return that."""
        if self._recorder.is_paused:
            return result
        is_own = any(isinstance(own, self._numpy.ndarray | self._numpy.generic) for own in operands)
        if name == ITEM.name and not isinstance(operands[0], self._numpy.ndarray | self._numpy.generic):
            is_trick = type(operands[0]).__module__.startswith("numpy") and not isinstance(operands[0], tuple)
            name, is_own = "index_trick", is_trick  # np.r_[…]
        if is_own:
            with untraced():
                self._tell(name, operands, {}, [result], is_operator=True)
        return result

    def _put(self, value: Any, thing: Any, index: Any, is_amended: bool = False) -> None:
        """Write an item; what was amended may be a view, which has been written already."""
        own = isinstance(thing, self._numpy.ndarray)
        if is_amended and own and isinstance(value, self._numpy.ndarray):
            own = not self._numpy.may_share_memory(value, thing)
        write = partial(operator.setitem, thing, index, value)
        if own:
            self._write("__setitem__", (thing, index, value), {}, thing, write)
        else:
            write()

    def _items(self, thing: Any) -> Any:
        """Return what a loop goes through, or what is unpacked."""
        return self._rows(thing) if isinstance(thing, self._numpy.ndarray) and thing.ndim else thing

    def _rows(self, thing: Any) -> Iterator[Any]:
        for place, row in enumerate(thing):
            yield self._saw(ITEM.name, (thing, place), row) if type(row) in self._kinds else row

    def _call(self, function: Any) -> Any:
        """Return what is called for a function: itself, unless it gives arrays, or makes a tensor of one."""
        kind = type(function)
        if kind in _FUNCTIONS:
            if function.__module__ == "__main__":
                return function
        elif kind is not BuiltinFunctionType:
            if isinstance(function, type) or not kind.__module__.startswith(_CALLABLES):
                return function
        elif type(function.__self__) in _PLAIN_OWNERS:
            return function
        if id(function) in _MAKERS:
            return partial(self._make_of_array, function)
        owner = getattr(function, "__self__", None)
        if isinstance(owner, Tensor):
            return partial(self._array_of, owner) if function.__name__ == "numpy" else function
        name = self._name_of(function, owner)
        if name == "resize" and isinstance(owner, self._numpy.ndarray):  # it refuses while others hold it
            self._let_move(owner)
            return function
        return partial(self._called, name, function) if name else function

    def _called(self, name: str, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Make a call of NumPy's, and tell of it."""
        own = getattr(function, "__self__", None)
        is_method = isinstance(own, self._numpy.ndarray | self._numpy.generic)
        operands = (own, *args) if is_method else args
        is_writer = name.rpartition(".")[2] in (_METHOD_WRITERS if is_method else _FUNCTION_WRITERS)
        target = kwargs.get("out", operands[0] if operands and is_writer else None)
        target = target[0] if isinstance(target, tuple) else target
        if isinstance(target, self._numpy.ndarray):
            named = {key: value for key, value in kwargs.items() if key != "out"}
            return self._write(name, operands, named, target, partial(function, *args, **kwargs))
        result = function(*args, **kwargs)
        results = result if isinstance(result, tuple | list) else [result]
        if not self._recorder.is_paused and not any(
            one is given for one in results[:8] for given in operands
        ):
            with untraced():
                self._tell(name, operands, kwargs, results)
        return result

    def _write(
        self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any], target: Any, write: Callable[[], Any]
    ) -> Any:
        """Do what writes into an array, and tell of it; nodes go on showing what was there."""
        is_told = not self._recorder.is_paused
        with untraced():
            given = (target, *args, *kwargs.values()) if is_told else ()
            for own in (*leaves(given, self._numpy.ndarray), *tensors_in(given)):
                for tensor in (self._memory(own), self._as_tensor(own)):
                    if isinstance(tensor, Tensor):
                        self._recorder.operand(tensor)
            written = self._memory(target)
            self._recorder.preserve([] if written is None else [written])
        result = write()
        if is_told and written is not None:
            with untraced():
                own_args, own_kwargs = _mapped(args, self._as_tensor), _mapped(dict(kwargs), self._as_tensor)
                tensors = list(tensors_in((own_args, own_kwargs)))
                if _backwards(target):
                    self._recorder.note_write_call(opaque(name), (written, *tensors), {}, written)
                else:
                    olds = {id(own): self._recorder.operand(own).value for own in tensors}
                    call = self._torch_call(name, own_args, own_kwargs, [written], olds)
                    self._recorder.note_write_call(*call, written)
        return result

    def _array_of(self, tensor: Tensor, /, *args: Any, **kwargs: Any) -> Any:
        """Do what `x.numpy()` does, and keep the link."""
        array = tensor.numpy(*args, **kwargs)
        self._link(array, tensor)
        return array

    def _make_of_array(self, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Make a tensor, and keep the link if it is made of an array."""
        if not args or not isinstance(args[0], self._numpy.ndarray):
            return function(*args, **kwargs)
        with untraced():
            own = self.tensor(args[0])
            result: Tensor = function(*args, **kwargs)
            if own is None or self._recorder.is_paused:
                return result
            if result.data_ptr() == own.data_ptr() and result.dtype == own.dtype:
                self._recorder.note_same(result, own)
            elif result.dtype == own.dtype:
                self._recorder.note_call(torch.clone, (own,), {}, result)
            else:
                self._recorder.note_call(Tensor.to, (own, result.dtype), {}, result)
        return result

    def _name_of(self, function: Any, owner: Any) -> str:
        """Return NumPy's name of a function; empty if it is not NumPy's."""
        numpy = self._numpy
        name = str(getattr(function, "__name__", ""))
        if isinstance(function, numpy.ufunc) or isinstance(owner, numpy.ndarray | numpy.generic):
            return name
        if isinstance(owner, numpy.ufunc):
            return f"{owner.__name__}.{name}"
        if isinstance(owner, numpy.random.Generator | numpy.random.RandomState):
            return f"random.{name}"
        module = str(getattr(function, "__module__", None) or type(owner).__module__)
        if not module.startswith("numpy"):
            return ""
        return f"{module[6:]}.{name}".strip(".").replace("lib._index_tricks_impl.", "")

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
        if not results or not all(type(item) in self._kinds for item in results):
            return
        if any(id(item) in self._known for item in results):  # the program's function has given it again
            return
        made = [self.tensor(item, is_result=True) for item in results]
        given = [item for item in made if item is not None]
        if len(given) < len(made):
            return
        own_args, own_kwargs = _mapped(args, self._as_tensor), _mapped(dict(kwargs), self._as_tensor)
        tensors = list(tensors_in((own_args, own_kwargs)))
        strange = list(leaves((own_args, own_kwargs), self._numpy.ndarray))  # of strings, say
        if not tensors and (strange or is_operator):
            return
        if not tensors or name in CREATIONS:
            args, kwargs = _mapped(args, _plain), _mapped(dict(kwargs), _plain)
            for tensor in given:
                self._recorder.note_call(*creation(name, args, kwargs, tensor), tensor)
            return
        call = self._torch_call(name, own_args, own_kwargs, given, {id(own): own for own in tensors})
        self._recorder.note_call(*call, tuple(given) if len(given) > 1 else given[0])

    def _torch_call(
        self,
        name: str,
        args: Any,
        kwargs: Any,
        results: Sequence[Tensor],
        values: Mapping[int, Tensor],
    ) -> TorchCall:
        """Return the torch call that gives the same, on the program's tensors; else an opaque one.

        `args` and `kwargs` have tensors in place of arrays. Their values are given by the ids of
        these tensors: of a write, as they were.
        """
        given = list(tensors_in((args, kwargs)))
        key = name, _plain_key(args), _plain_key(kwargs), tuple(own.dtype for own in results)
        usual = torch.get_default_dtype()
        torch.set_default_dtype(torch.float64)
        try:
            # NumPy casts by itself what torch wants to be told.
            for dtype in (None, results[0].dtype) if self._sure[key] < SURE else ():
                casts = {own: value if dtype is None else value.to(dtype) for own, value in values.items()}
                tried_args, tried_kwargs = _mapped((args, kwargs), lambda own: casts.get(id(own), own))  # noqa: B023
                try:
                    call = translated(name, tried_args, tried_kwargs, results[0], dtype)
                    how = "known" if self._sure[key, dtype] >= SURE else _likeness(call, results)
                except FAILURES:
                    continue
                if how:
                    self.tried[name, how] += 1
                    self._sure[key, dtype] += 1
                    return self._on_program(call, [(own, values[id(own)], casts[id(own)]) for own in given])
        finally:
            torch.set_default_dtype(usual)
        self._sure[key] += 1
        self.tried[name, "opaque"] += 1
        return TorchCall(opaque(name), tuple(given), {})

    def _on_program(self, call: TorchCall, operands: Sequence[tuple[Tensor, Tensor, Tensor]]) -> TorchCall:
        """Return a call with the program's tensors in place of their values, of which some were cast."""
        back: dict[int, Tensor] = {}
        for own, value, cast in operands:
            back[id(cast)] = own if cast is value else cast
            if cast is not value:
                self._recorder.note_call(Tensor.to, (own, cast.dtype), {}, cast)

        def named(own: Any) -> Any:
            if not isinstance(own, Tensor) or id(own) in back:
                return back.get(id(own), own)
            if own.dim():  # a list of numbers
                self._recorder.note_call(*creation("array", (), {}, own), own)
            return own if own.dim() else own.item()

        return TorchCall(call.function, _mapped(call.args, named), _mapped(dict(call.kwargs), named))

    def _dtype(self, thing: Any) -> torch.dtype | None:
        if not isinstance(thing, self._numpy.ndarray | self._numpy.generic):
            return None
        return _DTYPES.get(thing.dtype.name) if thing.dtype.isnative else None

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

    def _let_move(self, array: Any) -> None:
        """Let tensors leave the memory of an array, which is about to move, and forget the array."""
        with untraced():
            memory = self._memory(array)
            if memory is None:
                return
            self._recorder.preserve([memory])
        place = memory.untyped_storage().data_ptr()
        for key, (_, own) in list(self._known.items()):
            if own.untyped_storage().data_ptr() == place:
                del self._known[key]
                own.data = own.clone()
        self._roots.clear()

    def _as_tensor(self, value: Any) -> Any:
        """Return an operand: the tensor of an array, or of a number that is known; else a plain value."""
        if isinstance(value, self._numpy.ndarray) or id(value) in self._known:
            own = self.tensor(value)
            return value if own is None else own
        return value.item() if isinstance(value, self._numpy.generic) else value


def _likeness(call: TorchCall, results: Sequence[Tensor]) -> str:
    """Make a call on a copy of what it may write, and return whether it gives some results."""
    first, *others = call.args
    target = first.clone() if isinstance(first, Tensor) else first
    made = call.function(target, *others, **call.kwargs)
    return likeness(target if made is None else made, results)


def _backwards(thing: Any) -> list[int]:
    """Return the axes along which an array counts backwards through its memory."""
    return [axis for axis, stride in enumerate(getattr(thing, "strides", ())) if stride < 0]


def _plain(value: Any) -> Any:
    """Return a number of NumPy's as one of Python's."""
    is_number = hasattr(value, "item") and not getattr(value, "shape", True)
    return value.item() if is_number else value


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
