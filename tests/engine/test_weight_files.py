"""Files of weights beside a document: what is read equals what torch reads; a hostile file does nothing."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pickle
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from llm_linalg.language import readable_files
from llm_linalg.language.file_formats import format_errors
from llm_linalg.language.file_formats.array_format import read_archive, read_array
from llm_linalg.language.file_formats.checkpoint_format import read_checkpoint
from llm_linalg.language.file_formats.format_errors import FormatError
from llm_linalg.language.file_formats.safetensors_format import read_tensors
from torch import nn

from llm_linalg import LimitError, ProgramError, run


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder that programs may read in."""
    (tmp_path / "inside").mkdir()
    readable_files.allow(tmp_path / "inside")
    yield tmp_path / "inside"
    readable_files.forbid()


def saved(value: object) -> bytes:
    """Returns what torch.save writes."""
    file = io.BytesIO()
    torch.save(value, file)
    return file.getvalue()


def model() -> nn.Module:
    """Returns a model with weights and buffers."""
    return nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Embedding(4, 2))


def values() -> dict[str, Callable[[], Any]]:
    """Returns makers of what people save."""
    tied = torch.arange(6.0)

    def training() -> Any:
        net = model()
        optimizer = torch.optim.Adam(net.parameters())
        net.get_submodule("0")(torch.ones(1, 2)).sum().backward()
        optimizer.step()
        return {"epoch": 3, "model": net.state_dict(), "optimizer": optimizer.state_dict(), "loss": 0.25}

    return {
        "tensor": lambda: torch.randn(3, 4),
        "no axes": lambda: torch.tensor(2.5),
        "empty": lambda: torch.empty(0, 3),
        "views": lambda: [tied.view(2, 3).t(), tied[1::2], tied.expand(2, 6)],
        "state": lambda: model().state_dict(),
        "training": training,
        "parameter": lambda: nn.Parameter(torch.ones(2)),
        "gradient": lambda: torch.ones(2, requires_grad=True),
        "kinds": lambda: [
            torch.ones(2, dtype=kind)
            for kind in (
                torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16,
                torch.int8, torch.uint8, torch.bool, torch.complex64,
            )
        ],
        "plain": lambda: {"a": [1, -2, 10**12, 1.5, True, None, "ö"], 3: (1, (2,), [3, [4]]), "c": {}},
        "kinds of torch": lambda: (torch.Size([2, 3]), torch.float16, OrderedDict(a=1)),
    }  # fmt: skip


def assert_same(ours: Any, theirs: Any) -> None:
    """Asserts that two values are the same, their kinds, their places in memory and gradients among them."""
    assert type(ours) is type(theirs)
    if isinstance(ours, torch.Tensor):
        assert (ours.dtype, ours.shape, ours.stride()) == (theirs.dtype, theirs.shape, theirs.stride())
        assert ours.storage_offset() == theirs.storage_offset()
        assert ours.requires_grad == theirs.requires_grad
        assert torch.equal(ours, theirs)
    elif isinstance(ours, dict):
        assert list(ours) == list(theirs)
        for key, value in ours.items():
            assert_same(value, theirs[key])
    elif isinstance(ours, list | tuple):
        assert len(ours) == len(theirs)
        for one, other in zip(ours, theirs, strict=True):
            assert_same(one, other)
    else:
        assert ours == theirs


@pytest.mark.parametrize("kind", values())
def test_a_file_of_torch_is_read_as_torch_reads_it(kind: str) -> None:
    data = saved(values()[kind]())
    theirs = torch.load(io.BytesIO(data), weights_only=True)
    assert_same(read_checkpoint(data, lambda _: None), theirs)


def test_views_of_a_file_share_their_memory(folder: Path) -> None:
    whole = torch.arange(6.0)
    (folder / "w.pt").write_bytes(saved({"a": whole, "b": whole.view(2, 3)[1]}))
    program = "w = torch.load('w.pt')\nw['a'][3:] = 7.0\nprint(w['b'])\ny = w['b'] + 1"
    trace = run(program, seconds=None)
    assert trace.printed == "tensor([7., 7., 7.])\n"
    assert torch.equal(trace["y"].value, torch.full((3,), 8.0))


def test_weights_come_into_a_model_and_bear_the_name_of_their_file(folder: Path) -> None:
    net = nn.Linear(2, 3)
    (folder / "net.pt").write_bytes(saved(net.state_dict()))
    program = """
device = "cpu"
net = nn.Linear(2, 3)
print(net.load_state_dict(torch.load("net.pt", map_location=torch.device(device), weights_only=True)))
y = net(torch.ones(1, 2))
"""
    trace = run(program, seconds=None)
    assert trace.printed == "<All keys matched successfully>\n"
    assert torch.equal(trace["y"].value, net(torch.ones(1, 2)))
    leaves = [node.title for node in trace.nodes if node.op == "input"]
    assert leaves == ["net.pt: weight", "net.pt: bias"]
    assert readable_files.files_read() == {"net.pt": len(saved(net.state_dict()))}


@pytest.mark.parametrize(
    "call",
    [
        "torch.load('w.pt')",
        "torch.load('w.pt', 'cpu')",
        "torch.load('w.pt', map_location='cpu', weights_only=False)",
        "torch.load('w.pt', map_location=lambda storage, place: storage)",
        "torch.load(f'w.{\"pt\"}', weights_only=True, mmap=True)",
    ],
)
def test_it_is_called_as_people_call_it(call: str, folder: Path) -> None:
    (folder / "w.pt").write_bytes(saved(torch.ones(2)))
    assert run(f"print({call})", seconds=None).printed == "tensor([1., 1.])\n"


def npy(descr: str, shape: tuple[int, ...], cells: bytes, order: str = "False") -> bytes:
    """Returns what np.save writes."""
    header = f"{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}".encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + cells


def zipped(members: dict[str, bytes], kind: int = zipfile.ZIP_STORED) -> bytes:
    """Returns a zip file."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", kind) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def test_arrays_are_read_as_numpy_reads_them(folder: Path) -> None:
    cells = struct.pack("<6d", *range(6))
    (folder / "a.npy").write_bytes(npy("<f8", (2, 3), cells))
    (folder / "f.npy").write_bytes(npy("<f8", (2, 3), cells, "True"))
    (folder / "i.npy").write_bytes(npy("<i4", (2,), struct.pack("<2i", 1, -2)))
    members = {"x.npy": npy("<f4", (1,), struct.pack("<f", 0.5)), "y.npy": npy("|u1", (2,), b"\1\2")}
    (folder / "z.npz").write_bytes(zipped(members, zipfile.ZIP_DEFLATED))
    program = """
import numpy as np
print(np.load("a.npy"), np.load("f.npy"), sep="\\n")
print(repr(np.load("i.npy")))
z = np.load("z.npz")
print(z, z.files, list(z), "x" in z, len(z), z["x"] + 1, z["y"].dtype)
with np.load("z.npz", allow_pickle=True) as z:
    for name in z:
        print(name, z[name])
    print({name: a.shape for name, a in z.items()})
t = torch.from_numpy(np.load("a.npy")).float() @ torch.ones(3, 1)
"""
    trace = run(program, seconds=None)
    assert trace.printed == (
        "[[0. 1. 2.]\n [3. 4. 5.]]\n[[0. 2. 4.]\n [1. 3. 5.]]\n"
        "array([ 1, -2], dtype=int32)\n"
        "NpzFile 'z.npz' with keys: x, y ['x', 'y'] ['x', 'y'] True 2 [1.5] uint8\n"
        "x [0.5]\ny [1 2]\n{'x': (1,), 'y': (2,)}\n"
    )
    assert trace["t"].value.tolist() == [[3.0], [12.0]]


def test_tables_are_read_as_numpy_reads_them(folder: Path) -> None:
    (folder / "t.csv").write_text("a,b\n1,2.5\n# no\n3, -4e1\n\n", encoding="utf-8")
    (folder / "t.txt").write_text("1 2 3 # one\n4 5 6\n", encoding="utf-8")
    (folder / "gap.csv").write_text("1,\n,x\n", encoding="utf-8")
    program = """
import numpy as np
print(np.loadtxt("t.csv", delimiter=",", skiprows=1))
print(np.loadtxt("t.txt"), repr(np.loadtxt("t.txt", dtype=int, max_rows=1)))
print(np.loadtxt("t.txt", usecols=(0, -1)), np.loadtxt("t.txt", usecols=1))
print(np.loadtxt("t.txt", ndmin=2, max_rows=1))
a, b, c = np.loadtxt("t.txt", unpack=True)
print(b, np.genfromtxt("gap.csv", delimiter=","), np.genfromtxt("t.csv", delimiter=",", skip_header=1))
with open("t.txt") as f:
    print(np.loadtxt(f, dtype=np.float32).dtype)
"""
    assert run(program, seconds=None).printed == (
        "[[  1.    2.5]\n [  3.  -40. ]]\n[[1. 2. 3.]\n [4. 5. 6.]] array([1, 2, 3])\n"
        "[[1. 3.]\n [4. 6.]] [2. 5.]\n[[1. 2. 3.]]\n"
        "[2. 5.] [[ 1. nan]\n [nan nan]] [[  1.    2.5]\n [  3.  -40. ]]\nfloat32\n"
    )


def safetensors(header: object, cells: bytes, length: int | None = None) -> bytes:
    """Returns a safetensors file."""
    text = json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + cells


ENTRY = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


def test_no_column_of_a_table_is_taken_for_ever(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    (folder / "t.txt").write_text("1\n" * 50)
    program = "import numpy as np\nprint(np.loadtxt('t.txt', usecols=[0] * {}).shape)"
    assert run(program.format(100)).printed == "(50, 100)\n"
    with pytest.raises(ProgramError, match="more than 2,000,000 numbers"):
        run(program.format(50_000), seconds=None)


def test_safetensors_are_read(folder: Path) -> None:
    half = {"dtype": "BF16", "shape": [1, 1], "data_offsets": [8, 10]}
    header = {"__metadata__": {"format": "pt"}, "h": half, "w": ENTRY}
    cells = struct.pack("<2f", 1, 2) + b"\x80\x3f"
    (folder / "m.safetensors").write_bytes(safetensors(header, cells))
    program = (
        "from safetensors.torch import load_file\nw = load_file('m.safetensors')\nprint(w)\ny = w['w'] * 2"
    )
    trace = run(program, seconds=None)
    assert trace.printed == "{'w': tensor([1., 2.]), 'h': tensor([[1.]], dtype=torch.bfloat16)}\n"
    assert trace["y"].operands[0].node.title == "m.safetensors: w"


def test_an_open_file_gives_its_tensors(folder: Path) -> None:
    header = {"w": ENTRY, "b": {"dtype": "I64", "shape": [], "data_offsets": [8, 16]}}
    cells = struct.pack("<2f", 1, 2) + struct.pack("<q", 7)
    (folder / "m.safetensors").write_bytes(safetensors(header, cells))
    program = """
from safetensors import safe_open
tensors = {}
with safe_open("m.safetensors", framework="pt", device="cpu") as f:
    for name in f.keys():
        tensors[name] = f.get_tensor(name)
print(tensors)
y = f.get_tensor("w")
y[0] = 9.0
print(f.get_tensor("w"), tensors["w"])
try:
    f.get_tensor("x")
except KeyError:
    print("none")
"""
    assert (
        run(program, seconds=None).printed
        == "{'b': tensor(7), 'w': tensor([1., 2.])}\ntensor([1., 2.]) tensor([1., 2.])\nnone\n"
    )
    for line in (
        "safe_open('m.safetensors', 'np')",
        "safe_open('m.safetensors').tensors",
        "safe_open('x.pt')",
    ):
        with pytest.raises(ProgramError):
            run(f"from safetensors import safe_open\n{line}", seconds=None)


class Code:
    """What runs when a careless reader loads it."""

    def __reduce__(self) -> Any:
        return os.mkdir, ("it-ran",)


def with_pickle(words: bytes, **members: bytes) -> bytes:
    """Returns a file as torch.save writes it, with another pickle in it."""
    return zipped(
        {"a/data.pkl": words, "a/version": b"3\n", **{f"a/data/{n}": d for n, d in members.items()}}
    )


def number(value: int) -> bytes:
    """Returns the word of a pickle for a whole number."""
    return b"J" + value.to_bytes(4, "little", signed=True)


def tensor_file(count: int, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> bytes:
    """Returns a file of 16 bytes of cells with a tensor in it that says this of itself."""
    sizes, steps = (b"(" + b"".join(map(number, each)) + b"t" for each in (shape, strides))
    words = (
        b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n((X\7\0\0\0storagectorch\nFloatStorage\n"
        b"X\1\0\0\0" + b"0X\3\0\0\0cpu" + number(count) + b"tQ" + number(offset) + sizes + steps
        + b"\x89ccollections\nOrderedDict\n)RtR."
    )  # fmt: skip
    return with_pickle(words, **{"0": bytes(16)})


def checkpoints() -> dict[str, bytes]:
    """Returns files that no careful reader takes."""
    good, old = saved({"a": torch.arange(100.0)}), io.BytesIO()
    torch.save(torch.ones(2), old, _use_new_zipfile_serialization=False)
    doubled = b"]" + b"".join(b"q%c(h%ch%ce" % (i, i, i) for i in range(40))
    return {
        "nothing": b"",
        "no zip file": b"hello" * 100,
        "cut off": good[:-40],
        "cut short": good[:200],
        "a byte of the cells is another": good.replace(b"\0\0\x80?", b"\0\0\x81?", 1),
        "an old one": old.getvalue(),
        "code": with_pickle(pickle.dumps(Code(), 2)),
        "code, newer": with_pickle(pickle.dumps(Code(), 4)),
        "code on its own": pickle.dumps(Code(), 2),
        "a whole model": saved(model()),
        "a set": saved({"a": {1, 2}}),
        "evaluation": with_pickle(b"\x80\x02cbuiltins\neval\n(X\1\0\0\0" + b"1tR."),
        "room for 10 GB": with_pickle(b"\x80\x02cbuiltins\nbytearray\n(\x8a\5\0\0\0\0\2tR."),
        "a program": zipped({"a/data.pkl": b"\x80\x02N.", "a/constants.pkl": b"\x80\x02)."}),
        "two": zipped({"a/data.pkl": b"\x80\x02N.", "b/data.pkl": b"\x80\x02N."}),
        "big-endian": zipped({"a/data.pkl": b"\x80\x02N.", "a/byteorder": b"big"}),
        "more cells than it has": tensor_file(5, 0, (2,), (1,)),
        "fewer cells than it has": tensor_file(3, 0, (2,), (1,)),
        "a shape beyond": tensor_file(4, 0, (5,), (1,)),
        "a step beyond": tensor_file(4, 0, (2,), (4,)),
        "a start beyond": tensor_file(4, 3, (2,), (1,)),
        "a start before": tensor_file(4, -1, (2,), (1,)),
        "a step back": tensor_file(4, 3, (2,), (-1,)),
        "a negative shape": tensor_file(4, 0, (-2,), (1,)),
        "a huge shape": tensor_file(4, 0, (2**31 - 1,) * 3, (0, 0, 0)),
        "many axes": tensor_file(4, 0, (1,) * 100, (1,) * 100),
        "strides of another shape": tensor_file(4, 0, (2, 2), (1,)),
        "no cells": with_pickle(tensor_file(4, 0, (2,), (1,))[60:]),
        "cells elsewhere": tensor_file(4, 0, (2,), (1,)).replace(b"a/data/0", b"a/../../"),
        "a key that takes for ever": with_pickle(b"\x80\x02)" + b"q\0h\0\x86" * 60 + b"q\1}h\1K\1s."),
        "keys of one hash": with_pickle(
            b"\x80\x02}("
            + b"".join(
                b"\x8a\x0a" + (number * (2**61 - 1)).to_bytes(10, "little", signed=True) + b"N"
                for number in range(1, 50)
            )
            + b"u."
        ),
        "a list in itself": with_pickle(b"\x80\x02]q\0h\0a."),
        "a dict in itself": with_pickle(b"\x80\x02}q\0K\1h\0s."),
        "lists that double": with_pickle(b"\x80\x02" + b"]" * 1 + doubled[1:] + b"."),
        "lists in lists": with_pickle(b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b"."),
        "an empty stack": with_pickle(b"\x80\x02."),
        "a mark alone": with_pickle(b"\x80\x02(."),
        "no end": with_pickle(b"\x80\x02N"),
        "a name alone": with_pickle(b"\x80\x02ctorch\nFloatStorage\n."),
        "a name in a list": with_pickle(b"\x80\x02]ctorch._utils\n_rebuild_tensor_v2\na."),
        "a huge number": with_pickle(b"\x80\x02\x8a\xff" + b"\x7f" * 255 + b"."),
        "a long pickle": with_pickle(b"\x80\x02" + b"N0" * 600_000 + b"N."),
        "an attribute of a tensor": with_pickle(
            b"\x80\x02ccollections\nOrderedDict\n)R(K\1K\2tb" + b"cposix\nsystem\n."
        ),
    }


CHECKPOINTS = checkpoints()


@pytest.mark.parametrize("kind", CHECKPOINTS)
def test_no_hostile_checkpoint_is_read(kind: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    (folder / "w.pt").write_bytes(CHECKPOINTS[kind])
    with pytest.raises(ProgramError) as caught:
        run("print(torch.load('w.pt', weights_only=False))", seconds=None)
    assert "'w.pt'" in caught.value.message
    assert caught.value.line == 1
    assert sorted(path.name for path in folder.iterdir()) == ["w.pt"]


def test_a_zip_file_unfolds_to_no_more_than_is_allowed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(format_errors, "MOST_BYTES", 100_000)
    bomb = zipped({"a/data.pkl": b"\x80\x02N.", "a/data/0": bytes(200_000)}, zipfile.ZIP_DEFLATED)
    assert len(bomb) < 2_000
    lying = bomb.replace((200_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    many = zipped({f"{i}.npy": bytes(60_000) for i in range(2)}, zipfile.ZIP_DEFLATED)
    for name, data in (("b.pt", bomb), ("l.pt", lying), ("m.npz", many)):
        (folder / name).write_bytes(data)
        loader = "np" if name.endswith("npz") else "torch"
        with pytest.raises(ProgramError, match=r"unfolds|damaged"):
            run(f"import numpy as np\n{loader}.load('{name}')", seconds=None)


def test_a_zip_file_has_no_more_parts_than_are_allowed() -> None:
    with pytest.raises(FormatError, match="parts"):
        format_errors.members_of(b"PK\x01\x02" * 10_001)


def test_a_part_that_would_lie_beyond_all_addresses_is_damaged() -> None:
    data = bytearray(zipped({"a": b"x"}))
    entry, end = data.index(b"PK\x01\x02"), data.index(b"PK\x05\x06")
    data[end + 12 : end + 16] = struct.pack("<I", end - entry + 12)
    data[entry + 42 : entry + 46] = b"\xff" * 4
    data[entry + 30 : entry + 32] = struct.pack("<H", 12)
    data[entry + 47 : entry + 47] = struct.pack("<HHQ", 1, 8, 2**63)
    with pytest.raises(FormatError, match="damaged"):
        format_errors.members_of(bytes(data))


@given(st.data())
def test_a_file_with_other_bytes_in_it_is_read_or_refused(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(["pt", "pickle", "npy", "npz", "safetensors"]))
    array = npy("<f8", (2, 3), bytes(48))
    good = {
        "pt": saved({"a": [torch.arange(6.0).view(2, 3).t(), 1]}),
        "pickle": pickle_of(saved({"a": [torch.arange(6.0).view(2, 3).t(), 1]})),
        "npy": array,
        "npz": zipped({"x.npy": array}),
        "safetensors": safetensors({"w": ENTRY}, bytes(8)),
    }[kind]
    changed = bytearray(good)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(good) - 1))
        changed[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    read: Any = {"npy": read_array, "npz": read_archive, "safetensors": read_tensors}.get(
        kind, read_checkpoint
    )
    with contextlib.suppress(FormatError, LimitError):
        read(with_pickle(bytes(changed)) if kind == "pickle" else bytes(changed), lambda _: None)


def pickle_of(data: bytes) -> bytes:
    """Returns the pickle in a file of torch.save."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return archive.read("archive/data.pkl")


ARRAYS = {
    "nothing": b"",
    "no array": b"hello" * 30,
    "objects": npy("|O", (1,), pickle.dumps(Code(), 2)),
    "text": npy("<U5", (1,), bytes(20)),
    "fields": npy("<f8", (1,), bytes(8)).replace(b"'<f8'", b"[('a', '<f8')]"),
    "big-endian": npy(">f8", (1,), bytes(8)),
    "cut off": npy("<f8", (2,), bytes(15)),
    "more than it says": npy("<f8", (2,), bytes(24)),
    "a huge shape": npy("<f8", (10**17, 10**17), bytes(8)),
    "many empty axes": npy("<f8", (0,) * 100, b""),
    "a negative shape": npy("<f8", (-1,), bytes(8)),
    "code in its header": npy("<f8", (1,), bytes(8)).replace(b"(1,)", b"f(),"),
    "a long header": b"\x93NUMPY\x02\0\xff\xff\xff\x7f{'descr': '|b1'",
    "another version": npy("<f8", (1,), bytes(8)).replace(b"NUMPY\1", b"NUMPY\7"),
}


@pytest.mark.parametrize("kind", ARRAYS)
def test_no_hostile_array_is_read(kind: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    (folder / "a.npy").write_bytes(ARRAYS[kind])
    (folder / "a.npz").write_bytes(zipped({"x.npy": ARRAYS[kind]}))
    for name in ("a.npy", "a.npz"):
        with pytest.raises(ProgramError, match=name):
            run(f"import numpy as np\nprint(np.load('{name}', allow_pickle=True))", seconds=None)
    assert len(list(folder.iterdir())) == 2


TENSORS = {
    "nothing": b"",
    "a header longer than the file": safetensors({"w": ENTRY}, bytes(8), 10**9),
    "a header of 2**64": safetensors({"w": ENTRY}, bytes(8), 2**64 - 1),
    "no JSON": safetensors("w", bytes(8)),
    "JSON in JSON": (200_000).to_bytes(8, "little") + b"[" * 200_000,
    "cells beyond": safetensors({"w": ENTRY}, bytes(7)),
    "cells before": safetensors({"w": {**ENTRY, "data_offsets": [-8, 0]}}, bytes(8)),
    "a hole": safetensors({"w": {**ENTRY, "data_offsets": [4, 12]}}, bytes(12)),
    "one over another": safetensors({"v": ENTRY, "w": ENTRY}, bytes(8)),
    "another size": safetensors({"w": {**ENTRY, "shape": [3]}}, bytes(8)),
    "a huge shape": safetensors({"w": {**ENTRY, "shape": [2**62, 2**62]}}, bytes(8)),
    "a shape of text": safetensors({"w": {**ENTRY, "shape": ["2"]}}, bytes(8)),
    "a shape of truth": safetensors({"w": {**ENTRY, "shape": [2, True]}}, bytes(8)),
    "a kind of its own": safetensors({"w": {**ENTRY, "dtype": "F4"}}, bytes(8)),
    "one name twice": b"\x12" + bytes(7) + b'{"w": {}, "w": {}}',
    "no entry": safetensors({"w": 3}, bytes(8)),
}


@pytest.mark.parametrize("kind", TENSORS)
def test_no_hostile_safetensors_are_read(kind: str, folder: Path) -> None:
    (folder / "m.safetensors").write_bytes(TENSORS[kind])
    with pytest.raises(ProgramError, match=r"m\.safetensors"):
        run("from safetensors.torch import load_file\nload_file('m.safetensors')", seconds=None)


@pytest.mark.parametrize(
    "call",
    [
        "torch.load('../secret.pt')",
        "torch.load('link.pt')",
        "torch.load('up/secret.pt')",
        "torch.load('.hidden.pt')",
        "torch.load('pipe.pt')",
        "torch.load('text.txt')",
        "torch.load('/etc/hostname')",
        "torch.load('nothing.pt')",
        "torch.load(open('text.txt'))",
        "torch.load('w.pt', 'cuda')",
        "torch.load('w.pt', pickle_module=torch)",
        "torch.load('w.pt', encoding='utf-8')",
        "torch.load(['w.pt'])",
        "torch.load.does",
        "np.load('w.pt')",
        "np.load('link.pt')",
        "np.loadtxt('w.pt')",
        "np.loadtxt('text.txt')",
        "np.loadtxt('text.txt', converters=len)",
        "np.loadtxt('text.txt', delimiter=3)",
        "np.load('a.npz').f",
        "np.load('a.npz').zip",
        "np.load('a.npz')['nothing']",
        "np.load('a.npz').__class__.__init__",
        "open('w.pt')",
        "torch.save({}, 'w.pt')",
        "np.save('a.npz', np.ones(2))",
        "save_file({}, 'w.safetensors')",
        "load_file('w.pt')",
        "for i in range(10 ** 9): torch.load('w.pt')",
        "for i in range(10 ** 9): np.load('a.npz')",
    ],
)
def test_weights_are_read_and_nothing_more(call: str, folder: Path) -> None:
    good = saved(torch.ones(2))
    array = zipped({"x.npy": npy("<f8", (1,), bytes(8))})
    for path in (folder.parent / "secret.pt", folder / "w.pt", folder / ".hidden.pt"):
        path.write_bytes(good)
    (folder / "a.npz").write_bytes(array)
    (folder / "text.txt").write_text("a b", encoding="utf-8")
    (folder / "link.pt").symlink_to(folder.parent / "secret.pt")
    (folder / "up").symlink_to(folder.parent)
    os.mkfifo(folder / "pipe.pt")
    with pytest.raises((ProgramError, LimitError)):
        run(f"import numpy as np\nfrom safetensors.torch import load_file, save_file\n{call}", seconds=None)
    assert (folder / "w.pt").read_bytes() == good
    assert (folder / "a.npz").read_bytes() == array
    assert len(list(folder.iterdir())) == 7


def test_a_tensor_that_a_run_can_not_hold_is_not_loaded(folder: Path) -> None:
    (folder / "wide.pt").write_bytes(tensor_file(4, 0, (10**5, 10**5), (0, 0)))
    with pytest.raises(LimitError, match="10,000,000,000"):
        run("torch.load('wide.pt')", seconds=None)


def test_the_key_offers_files_of_weights_that_are_named(folder: Path) -> None:
    for name in ("w.pt", "m.safetensors", "a.npy", "z.npz", "t.csv", "x.pkl"):
        (folder / name).write_bytes(b"")
    text = "torch.load('w.pt'); load_file(\"m.safetensors\"); 'a.npy' 'z.npz' 't.csv' 'x.pkl' 'none.pt'"
    assert readable_files.files_named(text, folder) == ("a.npy", "m.safetensors", "t.csv", "w.pt", "z.npz")


@pytest.mark.parametrize(
    "call", ["torch.load('w.pt')", "np.load('a.npy')", "np.loadtxt('t.csv')", "load_file('m.safetensors')"]
)
def test_without_a_word_no_weights_are_read(call: str) -> None:
    readable_files.forbid()
    with pytest.raises(ProgramError, match="--read"):
        run(f"import numpy as np\nfrom safetensors.torch import load_file\n{call}", seconds=None)
