"""What to write instead of what the language lacks: the advice in its error messages.

To give advice for a name, add a line to the table that it belongs to; the reference page lists it too.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Collection, Mapping

from llm_linalg.base.short_repr import TYPE_NAMES
from llm_linalg.base.spelling import hint

Hint = Callable[[str, Collection[str]], str]  # of a name and known ones: ": did you mean …" or nothing

_BUILTINS = frozenset(dir(builtins))
_ASYNC = "nothing runs beside it: write it without `async` and `await`"

SYNTAX: Mapping[type[ast.AST], str] = {
    ast.TryStar: "`except*` is not part of the language: write `except`",
    ast.With: "`with` is for torch.no_grad() and the like: write the other lines without it",
    ast.Await: f"`await` is not part of the language: {_ASYNC}",
    ast.AsyncFunctionDef: f"`async` is not part of the language: {_ASYNC}",
    ast.AsyncFor: f"`async` is not part of the language: {_ASYNC}",
    ast.AsyncWith: f"`async` is not part of the language: {_ASYNC}",
}
DECORATOR = "@torch.no_grad() stands right above a function: put other decorators above it"
YIELD = "a `yield` stands alone on its line, or in `x = yield y`, in a `def` and in no `with torch.no_grad()`"
UNDERSCORES = "names with two underscores are Python's own, not the language's: take another, or leave it out"
CONSTANTS: Mapping[type, str] = {
    bytes: "bytes are not part of the language: write text",
    complex: "a complex number is written as a tensor: torch.complex(torch.tensor(1.0), torch.tensor(2.0))",
}

_TORCH = ("torch", "math", "typing")  # packages of which the language has a part
_LONGEST = 200  # characters of an import path in a message
_LISTED = ": `llm-linalg language` lists what is"
_WRITTEN = ": leave it out, or write what is used of it into the program"
_CPU = "all tensors live on the CPU here: leave it out"
_FILE = "a program reads and writes no files: make tensors with torch.tensor or torch.randn"
_ALONE = "leave the `with` out, and write its lines without it"
_OUTSIDE = "a program reaches nothing outside itself"
_ARRAYS = "write it with torch: torch.tensor, torch.arange"
_TRUSTED = "write a function in a file: `llm-linalg trace FILE.py:function` records any call of torch's"
_JACOBIAN = "torch.autograd.functional.jacobian(f, x)"
_STEP = "write its step: with torch.no_grad(): W -= 0.1 * W.grad"

_NAMES = "axes have no names in the language: say in a comment what each is"
_STANDARD = "random time copy collections itertools functools operator statistics string"
NAMES: Mapping[str, str] = {
    **{name: f"write import {name} above it" for name in _STANDARD.split()},
    "DataLoader": "go through tensors with `for`",
    "complex": "write torch.complex(real, imag), of tensors",
    "input": "bind the value to a name",
    "exec": "write the lines themselves",
    "eval": "write the expression itself",
    "self": "it is the first parameter of a method: def forward(self, x)",
    "np": "write import numpy as np",
    "numpy": "write import numpy",
    "plt": "the stage shows each tensor: leave it out",
    "display": "print it",
    **dict.fromkeys(["exit", "quit", "breakpoint", "help"], "leave it out"),
    **dict.fromkeys(["copyright", "credits", "license"], "leave it out"),
    **dict.fromkeys(["globals", "locals"], "name what you want: nothing is looked up"),
    **dict.fromkeys(["bytes", "bytearray", "memoryview"], "write text, or a tensor of dtype torch.uint8"),
    "compile": "write the lines themselves",
    **dict.fromkeys(["aiter", "anext"], _ASYNC),
}
"""For names that nothing is bound to."""

MEMBERS: Mapping[str, str] = {
    **{f"torch.optim.{name}": _STEP for name in ("LBFGS", "ASGD", "Rprop", "Muon")},
    "torch.save": _FILE,
    **dict.fromkeys(["np.save", "np.savez", "np.savez_compressed", "np.savetxt"], _FILE),
    "torch.from_file": _FILE,
    **{f"torch.{name}": f"write torch.linalg.{name}" for name in ("qr", "cholesky")},
    "torch.jit": "leave it out",
    "torch.cuda.synchronize": "leave it out",
    "torch.profiler": _ALONE,
    "torch.fft": _TRUSTED,
    "torch.func.hessian": "write torch.autograd.functional.hessian(f, x)",
    **{f"torch.func.{name}": f"write {_JACOBIAN}" for name in ("jacrev", "jacfwd")},
    "nn.ParameterList": "give each a name of its own: self.w0 = nn.Parameter(…)",
    "operator.attrgetter": "write lambda x: x.name",
    "F.multi_head_attention_forward": "write q @ k.transpose(-2, -1), softmax, @ v",
}
"""For members of modules."""

ATTRIBUTES: Mapping[str, str] = {
    "cuda": _CPU,
    "to": _CPU,
    **{name: f"write torch.linalg.{name}(A)" for name in ("qr", "cholesky")},
    **dict.fromkeys(["names", "refine_names", "rename", "align_to", "align_as"], _NAMES),
    "resize": "a tensor keeps its cells: write x = x.reshape(2, 3)",
}
"""For attributes and methods of values."""

ARGUMENTS: Mapping[str, str] = {
    "out": "give it by its name, or bind the result to a name",
    "max_norm": "it changes the table itself: write table = table / table.norm(dim=1, keepdim=True)",
    "sparse": "leave it out: a gradient has all its cells here",
    "pin_memory": "leave it out",
    "layout": "leave it out",
    "names": _NAMES,
}
"""For keyword arguments of torch functions."""

PACKAGES: Mapping[str, str] = {
    **dict.fromkeys(["scipy", "pandas"], _ARRAYS),
    **dict.fromkeys(["matplotlib", "seaborn"], "the stage shows each tensor"),
    "tiktoken": "write the tokens' numbers: torch.tensor([5, 2, 7])",
    "transformers": "write the block out, with layers such as nn.Linear",
    "argparse": "assign the values at the top",
    **dict.fromkeys(["platform", "psutil", "gc", "logging", "warnings"], "leave it out"),
    **dict.fromkeys(["os", "sys", "pathlib", "json", "pickle", "requests", "urllib", "subprocess"], _OUTSIDE),
}


def command(text: str) -> str:
    """Return the message for a command of a notebook's shell, such as `!pip`."""
    return f"{text} is a notebook's command, not Python: leave it out"


def file_command(text: str) -> str:
    """Return the message for a command of a notebook's that runs a file, such as `%run`."""
    return f"{text} runs a file: write its lines into a cell"


def unknown_import(path: str, known: Collection[str] = (), near: Hint = hint) -> str:
    """Return the message for an import that the language lacks, with what to write instead.

    Args:
        path: What is imported, such as `torch.optim.AdamW`.
        known: The names that would have been right after its last dot.
        near: Returns a hint at the nearest of those.
    """
    if path.endswith(".*"):
        return f"{path} can't be imported: name what is used, as in from math import sqrt"
    path = path[:_LONGEST]
    inside = path.removeprefix("torch.") if path.startswith("torch.nn.") else path
    names = inside.replace("nn.functional.", "F.", 1).split(".")
    heads = [".".join(names[:count]) for count in range(len(names), 0, -1)]
    found = [table[head] for head in heads for table in (MEMBERS, PACKAGES) if head in table]
    if found:
        return f"{path} can't be imported: {found[0]}"
    by_default = _LISTED if path.partition(".")[0] in _TORCH else _WRITTEN
    hinted = near(names[-1], known) if known else ""
    return f"{path} can't be imported{hinted or by_default}"


def unknown_member(shown: str, name: str, known: Collection[str], near: Hint = hint) -> str:
    """Return the message for a member, an attribute or a method that the language lacks.

    Args:
        shown: The name as the message shows it, such as `torch.empty` or `.numpy`.
        name: Its last part.
        known: The names that would have been right there.
        near: Returns a hint at the nearest of those.
    """
    advice = MEMBERS.get(shown) if not shown.startswith(".") else ATTRIBUTES.get(name)
    if advice is None and shown.startswith("."):
        advice = ATTRIBUTES.get(name.rstrip("_"))
    return f"{shown} is not part of the language{f': {advice}' if advice else near(name, known) or _LISTED}"


def missing_attribute(value: object, text: str, name: str, of_tensors: bool) -> str:
    """Return the message for an attribute that other values have, but this one lacks.

    Args:
        value: The value, which is not a tensor.
        text: How the program writes it.
        name: The attribute.
        of_tensors: Whether tensors have it.
    """
    if value is None and text.endswith(".grad"):
        return f"{text} is None before a gradient has come back to {text.removesuffix('.grad')}"
    if value is None:
        return f"None has no .{name}: it is what a function gives that ends without `return`"
    kind = TYPE_NAMES.get(type(value).__name__, type(value).__name__)
    title = f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"
    if of_tensors and isinstance(value, list | tuple):
        return f"{title} has no .{name}: torch.tensor makes a tensor of numbers, torch.stack one of tensors"
    return f"{title} has no .{name}"


def unbound_local(name: str) -> str:
    """Return the message for a local name that is read before it is assigned."""
    return (
        f"{name} has no value here yet: what a function assigns to is its own, as in Python: "
        f"pass {name} in as an argument, or assign to it first"
    )


def unknown_name(name: str, known: Collection[str], near: Hint = hint) -> str:
    """Return the message for a name that nothing is bound to."""
    advice = NAMES.get(name)
    if advice:
        return f"{name} is not part of the language: {advice}"
    if name in _BUILTINS:
        return f"{name} is not part of the language{_LISTED}"
    return f"nothing is called {name}{near(name, known)}"


TOO_MANY_DIGITS = "a whole number of more than 4,300 digits"


def has_too_many_digits(error: Exception) -> bool:
    """Return whether Python refused to read a number for its digits; its own advice is not for programs."""
    return "set_int_max_str_digits" in str(error)
