from __future__ import annotations

import math
import re
from collections.abc import Iterator

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from llm_linalg.base.numbers import Formatter, exact

FLOATS = [torch.float16, torch.bfloat16, torch.float32, torch.float64]
INTEGERS = [torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64]
SPECIAL = [math.nan, math.inf, -math.inf, 0.0, -0.0]

plain_floats = (
    st.floats(width=32) | st.sampled_from(SPECIAL) | st.floats(-10, 10) | st.integers(-99, 99).map(float)
)
numbers = st.one_of(st.floats(), st.integers(-(10**20), 10**20), st.booleans(), st.sampled_from(SPECIAL))


def torch_tokens(tensor: torch.Tensor) -> list[str]:
    """The numbers in torch's own repr of a tensor, in order."""
    inner = repr(tensor).removeprefix("tensor(").removesuffix(")")
    inner = re.sub(r",\s*(dtype|size|requires_grad)=.*", "", inner, flags=re.DOTALL)
    return [token for token in re.split(r"[\[\],\s]+", inner) if token]


def our_tokens(tensor: torch.Tensor, decimals: int = 4) -> list[str]:
    formatter = Formatter.of(tensor, decimals)
    texts = [formatter.text(value) for value in tensor.reshape(-1).tolist()]
    assert {len(text) for text in texts} <= {formatter.width}
    return [text.strip() for text in texts]


@pytest.fixture
def two_decimals() -> Iterator[None]:
    torch.set_printoptions(precision=2)  # type: ignore[no-untyped-call]
    yield
    torch.set_printoptions(profile="default")  # type: ignore[no-untyped-call]


def samples(dtype: torch.dtype) -> Iterator[torch.Tensor]:
    torch.manual_seed(0)
    if not dtype.is_floating_point:
        low = 0 if dtype == torch.uint8 else -100
        yield torch.randint(low, 100, (4, 5)).to(dtype)
        yield torch.tensor([torch.iinfo(dtype).max, torch.iinfo(dtype).min]).to(dtype)
        yield torch.zeros(3, dtype=dtype)
        return
    base = torch.randn(3, 4)
    for scale in (1.0, 1e-3, 1e-5, 30.0, 1e4, 1e10, 1e-20, 1e30):
        yield (base * scale).to(dtype)
    yield base.round().to(dtype)
    yield (base * 1e5).round().to(dtype)
    yield torch.randn(2, 3, 4).to(dtype)
    yield torch.tensor(0.5, dtype=dtype)
    yield torch.tensor(SPECIAL, dtype=dtype)
    yield torch.tensor([*SPECIAL, 1.5, -2.25], dtype=dtype)
    yield torch.tensor([math.nan], dtype=dtype)
    yield torch.zeros(2, 2, dtype=dtype)
    yield torch.empty(0, 3, dtype=dtype)
    yield torch.full((4, 4), -math.inf, dtype=dtype).triu(1)
    yield torch.tensor([torch.finfo(dtype).max, torch.finfo(dtype).tiny], dtype=dtype)


@pytest.mark.parametrize("dtype", [*FLOATS, *INTEGERS], ids=str)
def test_cells_read_as_in_torchs_repr(dtype: torch.dtype) -> None:
    for tensor in samples(dtype):
        assert our_tokens(tensor) == torch_tokens(tensor), tensor


@pytest.mark.usefixtures("two_decimals")
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_fewer_decimals_read_as_in_torchs_repr(dtype: torch.dtype) -> None:
    for tensor in samples(dtype):
        assert our_tokens(tensor, decimals=2) == torch_tokens(tensor), tensor


@given(st.lists(plain_floats, min_size=1, max_size=12), st.sampled_from(FLOATS))
def test_random_floats_read_as_in_torchs_repr(values: list[float], dtype: torch.dtype) -> None:
    tensor = torch.tensor(values, dtype=torch.float64).to(dtype)
    assert our_tokens(tensor) == torch_tokens(tensor)


@given(st.lists(plain_floats, min_size=1, max_size=12))
def test_a_sample_of_numbers_has_the_format_of_their_tensor(values: list[float]) -> None:
    assert Formatter.of(values) == Formatter.of(torch.tensor(values, dtype=torch.float64))


def test_booleans_bits_and_complex_numbers_read_as_in_torchs_repr() -> None:
    torch.manual_seed(0)
    for tensor in (
        torch.tensor([[True, False], [False, False]]),
        torch.tensor([False]),
        torch.randn(4, dtype=torch.complex64),
        torch.tensor([1 + 2j, -3 - 4j]),
        torch.tensor([complex(math.nan, -math.inf), 0.5j]),
        torch.randn(3, dtype=torch.complex64).conj(),
    ):
        formatter = Formatter.of(tensor)
        # torch pads inside a complex number too.
        ours = "".join(formatter.token(value) for value in tensor.reshape(-1).tolist())
        assert ours == "".join(torch_tokens(tensor))
        assert all(len(formatter.text(value)) == formatter.width for value in tensor.reshape(-1).tolist())


@pytest.mark.parametrize("dtype", [torch.float8_e4m3fn, torch.float8_e5m2], ids=str)
def test_eight_bit_floats_have_a_format(dtype: torch.dtype) -> None:
    tensor = torch.tensor([0.5, -1.0, 2.0]).to(dtype)
    assert [Formatter.of(tensor).text(x) for x in tensor.float().tolist()] == [
        " 0.5000",
        "-1.0000",
        " 2.0000",
    ]


@pytest.mark.parametrize("dtype", [torch.uint16, torch.uint32, torch.uint64], ids=str)
def test_large_unsigned_integers_have_room(dtype: torch.dtype) -> None:
    largest = torch.iinfo(dtype).max
    assert Formatter.of(torch.tensor([0, largest], dtype=dtype)).text(largest) == str(largest)


def test_examples() -> None:
    formatter = Formatter.of([1.0, -2.0, 10.0])
    assert [formatter.text(x) for x in (1.0, -2.0, 10.0)] == [" 1.", "-2.", "10."]
    assert Formatter.of([[1, None], [20, 3]]).text(3) == " 3"
    assert Formatter.of([0.5, -math.inf]).text(-math.inf) == "  -inf"
    assert Formatter.of([-0.0, 1.0]).text(-0.0) == "-0."
    assert Formatter.of([], 2).text(1.5) == "2"
    assert Formatter.of([1e-3, 5.0]).text(5.0) == "5.0000e+00"
    assert Formatter.of([1e-3, 5.0], scientific=False).text(5.0) == "5.0000"
    assert Formatter.of([1.5, 2.0], scientific=True).text(2.0) == "2.0000e+00"


def test_a_whole_format_does_not_falsify_a_partial_sum() -> None:
    formatter = Formatter.of([1.0, 1000.0])
    assert formatter.text(2.5) == "2.500"
    assert Formatter.of([1, 100000]).token(0.25) == "0.2500"


def test_a_limit_costs_decimals_first() -> None:
    assert Formatter.of([1.23456, -12.5], limit=6).text(1.23456) == "  1.23"
    assert Formatter.of([1.23456, -12.5], limit=5).text(-12.5) == "-12.5"
    assert Formatter.of([0.0, -math.inf], limit=2).text(-math.inf) == "-∞"
    assert Formatter.of([0.0, -math.inf], limit=3, ascii_only=True).text(-math.inf) == "-oo"
    assert Formatter.of([True, False], limit=1).text(True) == "T"


@given(st.lists(numbers | st.complex_numbers(), max_size=8), st.integers(1, 14), st.booleans(), numbers)
def test_a_limit_holds_for_every_number(
    values: list[int | float | complex], limit: int, ascii_only: bool, other: float
) -> None:
    formatter = Formatter.of(values, limit=limit, ascii_only=ascii_only)
    assert 1 <= formatter.width <= limit
    for value in (*values, other):
        text = formatter.text(value)
        assert len(text) == formatter.width
        assert text.isascii() or not ascii_only


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_exact_reads_back(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    for value in torch.cat([tensor.reshape(-1) for tensor in samples(dtype)] + [torch.randn(200).to(dtype)]):
        text = exact(value.item(), dtype)
        again = torch.tensor(float(text), dtype=torch.float64).to(dtype)
        assert (again == value and again.signbit() == value.signbit()) or (again.isnan() and value.isnan())
        assert len(text) <= len(repr(value.item()))


def test_a_huge_tensor_makes_no_list(monkeypatch: pytest.MonkeyPatch) -> None:
    """The numbers that reach Python are the survey's few, however many cells there are."""
    fetched: list[object] = []
    item = torch.Tensor.item

    def counted(tensor: torch.Tensor) -> object:
        fetched.append(tensor)
        return item(tensor)

    def forbidden(tensor: torch.Tensor) -> list[object]:
        raise AssertionError(tensor.shape)

    monkeypatch.setattr(torch.Tensor, "item", counted)
    monkeypatch.setattr(torch.Tensor, "tolist", forbidden)
    monkeypatch.setattr(torch.Tensor, "__iter__", forbidden)
    for tensor in (torch.randn(1000, 1000), torch.arange(10**6), torch.rand(10**6) > 0.5):
        assert Formatter.of(tensor).width <= 11
    assert len(fetched) < 20


def test_a_broadcast_tensor_is_looked_at_once() -> None:
    # Spread out, it would take four terabytes.
    tensor = torch.tensor([1.0, -2.5]).expand(10**6, 5 * 10**5, 2)
    assert Formatter.of(tensor) == Formatter.of([1.0, -2.5])
