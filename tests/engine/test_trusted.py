"""The user's own code: found by name, run with inputs; whatever it raises is a sentence with frames."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from llm_linalg import ProgramError, ShapeError, trace
from llm_linalg.api.trusted import (
    TargetError,
    check_inputs,
    evaluate_inputs,
    load,
    module_of,
)
from llm_linalg.api.user_code import user_code_errors
from llm_linalg.base.text import clean
from llm_linalg.lessons.external import of_function, of_trace
from llm_linalg.lessons.lesson import lesson_of

SOURCE = """\
import sys
import torch
from torch import nn

class Model(nn.Module):
    def __init__(self, width=3, *, depth=1):
        super().__init__()
        self.layers = nn.Sequential(*(nn.Linear(width, width) for _ in range(depth)))

    def forward(self, x):
        print("shape", tuple(x.shape))
        return self.layers(x)

class Box:
    @staticmethod
    def twice(x):
        return x * 2

def drawn():
    return torch.rand(3)

def complaining(x):
    raise ValueError("of two lines:\\n\\tthis is the second")

def leaving(x):
    y = x * 2
    sys.exit("bye")

def broken(x):
    return {}["key"]

NUMBER = 3
"""


@pytest.fixture
def file(tmp_path: Path) -> Iterator[str]:
    before, names = list(sys.path), set(sys.modules)
    path = tmp_path / "own_model.py"
    path.write_text(SOURCE, encoding="utf-8")
    yield str(path)
    sys.path[:] = before
    for name in set(sys.modules) - names:
        if name.startswith("own_"):
            del sys.modules[name]


def test_functions_methods_and_modules_are_found_in_a_file(file: str) -> None:
    function, path = load(f"{file}:Box.twice")
    assert torch.equal(function(torch.ones(2)), torch.full((2,), 2.0))
    assert path == Path(file)
    model, _ = load(f"{file}:Model(4, depth=2)")
    assert model(torch.ones(1, 4)).shape == (1, 4)
    first, second, other = (load(f"{file}:Model", seed)[0](torch.ones(1, 3)) for seed in (1, 1, 2))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


def test_a_module_is_found_by_its_dotted_name(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(file).parent)
    assert load("own_model:Box.twice")[0](torch.ones(1)).item() == 2
    assert load("torch.nn.functional:relu")[0] is torch.nn.functional.relu


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (
            "{file}",
            "is not FILE.py:FUNCTION or MODULE:FUNCTION: it has Model, Box, drawn, complaining, leaving",
        ),
        ("{file}:", "is not FILE.py:FUNCTION or MODULE:FUNCTION: it has Model"),
        ("nowhere.py", "is not FILE.py:FUNCTION or MODULE:FUNCTION$"),
        ("{file}:nope", "there is Box, Model, NUMBER, broken, complaining, drawn, leaving$"),
        ("{file}:Modle", 'did you mean "Model"'),
        ("{file}:Model(x)", 'no name "x"|x'),
        ("{file}:1 + 1", "is not a function"),
        ("{file}:(", "is not an expression"),
        ("{file}:NUMBER", "is not a function"),
        ("{file}:Box", "is not a function"),
        ("nowhere.py:f", "no file"),
        ("no_such_module:f", "no module"),
    ],
)
def test_what_is_not_there_is_one_line(target: str, said: str, file: str) -> None:
    with pytest.raises(TargetError, match=said) as caught:
        load(target.format(file=file))
    assert "\n" not in str(caught.value)


def test_a_file_that_fails_when_it_is_imported_is_told_with_its_place(file: str, tmp_path: Path) -> None:
    path = tmp_path / "own_bad.py"
    path.write_text("x = 1\nraise SystemExit(3)\n", encoding="utf-8")
    with pytest.raises(ProgramError, match="SystemExit: 3") as caught:
        load(f"{path}:f")
    assert caught.value.frames[-1].line == 2
    with pytest.raises(ProgramError, match="TypeError"):
        load(f"{file}:Model(1, 2, 3)")


@pytest.mark.parametrize(
    ("text", "shape", "dtype"),
    [
        ("torch.randn(2, 5, 8)", (2, 5, 8), torch.float32),
        ("2x5x8", (2, 5, 8), torch.float32),
        ("4", (4,), torch.float32),
        ("randint:0:50:2x5", (2, 5), torch.int64),
    ],
)
def test_inputs_are_safe_expressions_shapes_or_tokens(
    text: str, shape: tuple[int, ...], dtype: torch.dtype
) -> None:
    (value,) = evaluate_inputs([text])[0]
    assert (tuple(value.shape), value.dtype) == (shape, dtype)
    assert torch.equal(value, evaluate_inputs([text])[0][0])
    assert len(evaluate_inputs([f"torch.ones(1), {'torch.ones(2)'}", "2x3"])[0]) == 3


def test_inputs_of_one_shape_are_drawn_apart() -> None:
    texts = ["2x3", "b=2x3", "randint:0:50:9", "randint:0:50:9", "c=torch.randn(2, 3)"]
    (one, ids, others), named = evaluate_inputs(texts, 3)
    drawn = [one, named["b"], named["c"], ids, others]
    assert not any(torch.equal(drawn[i], drawn[j]) for i in range(5) for j in range(i))
    assert torch.equal(one, evaluate_inputs(["2x3"], 3)[0][0])


@pytest.mark.parametrize("text", ["open('x')", "", "missing", "torch.ones(10**9, 10**9)"])
def test_an_input_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(TargetError, match="--inputs"):
        evaluate_inputs([text])


@pytest.mark.parametrize("text", ["randn:3x2", "randint:0:50", "rand:2x5", "2x", "2x5x", "2*5"])
def test_an_input_that_is_nearly_one_is_told_how_it_is_written(text: str) -> None:
    with pytest.raises(TargetError, match="is no input: write 2x5x8, randint:0:50:2x5, or an expression"):
        evaluate_inputs([text])


def test_a_function_without_parameters_may_make_the_module(tmp_path: Path) -> None:
    path = tmp_path / "own_made.py"
    path.write_text(
        "import torch\nfrom torch import nn\n"
        "def make():\n    return nn.Linear(3, 2)\n"
        "def tensor():\n    return torch.ones(3)\n"
        "def wide(x):\n    return nn.Linear(3, 2)\n",
        encoding="utf-8",
    )
    make, tensor, wide = (load(f"{path}:{name}")[0] for name in ("make", "tensor", "wide"))
    one, again = (module_of(make, 1, seed) for seed in (5, 5))
    assert isinstance(one, nn.Linear)
    assert isinstance(again, nn.Linear)
    assert torch.equal(one.weight, again.weight)
    for function, inputs in ((make, 0), (tensor, 1), (wide, 1), (one, 1)):
        assert module_of(function, inputs) is function


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("drawn", 1, '"drawn" takes nothing, and has 1 input: --inputs 2x5x8 gives one'),
        ("leaving", 0, '"leaving" takes x, and has 0 inputs'),
        ("Model", 2, '"Model" takes x, and has 2 inputs'),
    ],
)
def test_too_few_or_too_many_inputs_are_told_before_it_is_run(
    name: str, given: int, said: str, file: str
) -> None:
    function = load(f"{file}:{name}")[0]
    with pytest.raises(TargetError) as caught:
        check_inputs(function, (torch.ones(3),) * given, name)
    assert said in str(caught.value)
    check_inputs(torch.relu, (), "relu")  # says not what it takes


def test_given_runs_once_a_seed_and_keeps_what_is_printed(
    file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = of_function(load(f"{file}:Model")[0], (torch.ones(2, 3),))
    first = given.run(0)
    assert (first.printed, capsys.readouterr().out) == ("shape (2, 3)\n", "")
    assert given.run(0) is first
    assert given.run(1) is not first
    drawn = of_function(load(f"{file}:drawn")[0], ())
    assert not torch.equal(drawn.run(1).nodes[-1].value, drawn.run(2).nodes[-1].value)


def test_whatever_the_code_raises_is_a_program_error_with_frames(file: str) -> None:
    given = of_function(load(f"{file}:broken")[0], (torch.ones(1),))
    with pytest.raises(ProgramError, match="KeyError: 'key'") as caught:
        given.run(0)
    assert [frame.function for frame in caught.value.frames] == ["broken"]
    with pytest.raises(ProgramError, match="SystemExit: bye") as left:
        of_function(load(f"{file}:leaving")[0], (torch.ones(1),)).run(0)
    assert [(frame.function, frame.text.strip()) for frame in left.value.frames] == [
        ("leaving", 'sys.exit("bye")')
    ]
    with pytest.raises(ProgramError, match="ValueError: of two lines: this is the second"):
        of_function(load(f"{file}:complaining")[0], (torch.ones(1),)).run(0)
    with pytest.raises(ShapeError) as shaped:
        of_function(load(f"{file}:Model")[0], (torch.ones(2, 4),)).run(0)
    assert [tuple(value.shape) for value in shaped.value.values][:2] == [(2, 4), (3, 3)]


def test_a_trace_stands_in_a_lessons_place() -> None:
    t = trace(lambda x: x * 2, torch.ones(2))
    lesson = lesson_of(of_trace(t), "a \x1b[31m trace")
    assert lesson.run() is t
    assert "\x1b" not in lesson.title


def test_a_module_of_any_name_is_shown_in_clean_text() -> None:
    class Evil(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x @ self.get_parameter("w\x1b[31m[/foo]\u202e")

    model = Evil()
    model.register_parameter("w\x1b[31m[/foo]\u202e", nn.Parameter(torch.ones(2, 2)))
    recorded = trace(model, torch.ones(2, 2))
    product = recorded.nodes[-1]
    shown = [repr(recorded), *map(repr, recorded.nodes), repr(product.walk()), repr(product.walk()[0])]
    assert [text for text in shown if text != clean(text, None)] == []
    assert "w␛[31m[/foo]�" in shown[0]


@pytest.mark.filterwarnings("ignore")
def test_tensors_without_a_cell_for_each_index_are_shown_from_a_dense_copy() -> None:
    ones, eye = torch.ones(3, 2), torch.eye(3)
    scaled = [2.0, 0.5, 1.0]
    made: list[tuple[Callable[..., Tensor], tuple[Tensor, ...]]] = [
        (torch.sparse.mm, (torch.diag(torch.tensor(scaled)).to_sparse(), ones)),
        (lambda x, y: x @ y, (eye.to_sparse_csr(), ones)),
        (lambda x: (x.to_sparse_csc() * 2).to_dense(), (eye,)),
        (lambda x: x.to_mkldnn().relu().to_dense(), (eye - 0.5,)),
        (lambda x: torch.quantize_per_tensor(x, 0.5, 0, torch.quint8).dequantize(), (torch.tensor(scaled),)),
        (lambda x: torch.sparse_coo_tensor(torch.tensor([[0, 2]]), x, (3,)) * 2, (torch.tensor([1.0, 3]),)),
    ]
    for function, given in made:
        found, wanted = trace(function, *given), function(*given)
        last = found.nodes[-1]
        assert torch.equal(last.value, wanted.to_dense())
        for node in found.nodes:
            assert node.value.layout is torch.strided
            assert not node.value.is_quantized
            assert all(node.reads((0,) * node.value.ndim))
            assert node.walk(node.orders[0])[0].text


@pytest.mark.filterwarnings("ignore")
def test_a_sparse_tensor_too_large_to_write_out_has_a_shape() -> None:
    places = torch.tensor([[0, 99_999], [1, 0]])
    found = trace(lambda x: torch.sparse_coo_tensor(places, x, (10**5, 10**5)) * 2, torch.ones(2))
    assert found.nodes[-1].value.shape == (10**5, 10**5)
    assert found.nodes[-1].value.is_meta


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("layout", [torch.strided, torch.jagged])
def test_a_nested_tensor_is_refused_with_what_to_do(layout: torch.layout) -> None:
    parts = [torch.ones(3), torch.ones(2)]
    refused = pytest.raises(ProgramError, match=r"a nested tensor has no shape.*to_padded_tensor")
    with refused, user_code_errors():
        trace(lambda: torch.nested.nested_tensor(parts, layout=layout) * 2)


def test_inputs_may_have_names() -> None:
    given, named = evaluate_inputs(["2x3", "mask=torch.ones(3) == 1", "scale = 2"])
    assert [tuple(own.shape) for own in given] == [(2, 3)]
    assert named["mask"].tolist() == [True] * 3
    assert named["scale"].shape == (2,)
    with pytest.raises(TargetError, match="mask is one input, and has 2"):
        evaluate_inputs(["mask=torch.ones(1), torch.ones(2)"])

    def function(x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return x * mask

    check_inputs(function, (torch.ones(1),), "function", {"mask": torch.ones(1)})
    with pytest.raises(TargetError, match='"maks": did you mean "mask"'):
        check_inputs(function, (torch.ones(1),), "function", {"maks": torch.ones(1)})
    with pytest.raises(TargetError, match="and has 1 input"):
        check_inputs(function, (), "function", {"mask": torch.ones(1)})
