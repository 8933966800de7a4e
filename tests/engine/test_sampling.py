"""A list that grows by what the program says: the sampling loop, held against a loop in Python."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from llm_linalg.api.trace import Trace
from llm_linalg.lessons.check import problems
from llm_linalg.lessons.control import MOST_ENTRIES, Control, Value
from llm_linalg.lessons.lesson import LessonError
from llm_linalg.lessons.reader import find, parse

F = nn.functional
WORDS = ["the", "cat", "saw", "dog", "ran"]


def drawn(trace: Trace, temperature: float, top_k: int, top_p: float) -> int:
    """The next token by the logits and the number that was drawn, as a sampler is usually written."""
    logits = trace["logits"].value / temperature
    values, order = logits.sort(descending=True)
    values[top_k:] = -torch.inf
    shares = F.softmax(values, -1)
    inside = shares.cumsum(0) - shares < top_p
    shares = shares * inside / (shares * inside).sum()
    place = int((shares.cumsum(0) <= trace["dart"].value).sum())
    return int(order[min(place, 4)])


def model(trace: Trace) -> torch.Tensor:
    """The logits by torch's own attention."""
    X, table = trace["X"].value, trace["table"].value
    Q, K, V = (X @ trace[name].value for name in ("W_Q", "W_K", "W_V"))
    R = X + F.scaled_dot_product_attention(Q, K, V, is_causal=True)
    Y = R + F.relu(R @ trace["W_up"].value) @ trace["W_down"].value
    return Y[-1] @ table.T


@pytest.mark.parametrize("temperature", [0.1, 1.0, 3.0])
@pytest.mark.parametrize(("top_k", "top_p"), [(1, 1.0), (3, 0.9), (5, 0.4), (5, 1.0)])
def test_the_loop_draws_what_a_sampler_draws(temperature: float, top_k: int, top_p: float) -> None:
    lesson = find("sampling")
    values = lesson.values({"temperature": temperature, "top_k": top_k, "top_p": top_p})
    for length in range(2, 8):
        trace = lesson.run(len(lesson.stops), values, seed=5)
        text = values["text"]
        assert isinstance(text, tuple)
        assert trace["X"].shape[0] == len(text) == length
        assert torch.equal(trace["X"].value, trace["table"].value[[WORDS.index(str(w)) for w in text]])
        assert torch.allclose(trace["logits"].value, model(trace), atol=1e-5)
        token = drawn(trace, temperature, top_k, top_p)
        assert trace["next"].value.item() == token
        assert trace["left"].value.count_nonzero() <= top_k
        assert torch.isclose(trace["drawn_from"].value.sum(), torch.tensor(1.0))
        values["text"] = lesson.control("text").append_entry(text, token)
        assert values["text"] == (*text, WORDS[token])


def test_the_text_stands_on_a_command_line_and_reads_back() -> None:
    control = find("sampling").control("text")
    value: Value = ("the", "cat", "ran")
    assert control.show(value) == "the,cat,ran"
    assert control.parse("the, cat,ran") == value
    with pytest.raises(ValueError, match='did you mean "cat"'):
        control.parse("the,cta")
    assert control.move(value, -1) == ("the", "cat")
    assert control.move(("the",), -1) == ("the",)
    with pytest.raises(ValueError, match="full"):
        control.append_entry(("the",) * MOST_ENTRIES, 1)
    with pytest.raises(ValueError, match="no choice 7"):
        control.append_entry(value, 7)


def test_a_list_of_numbers_grows_as_well() -> None:
    control = Control("n", "list", (1, 2), minimum=0, maximum=9, append="next")
    assert control.append_entry((1, 2), 3.0) == (1, 2, 3)
    with pytest.raises(ValueError, match="from 0 to 9"):
        control.append_entry((1, 2), 10)


FRONT = """\
+++
title = "T"
[controls.n]
default = [1, 2]
{}
+++
Hi.

```python
x = torch.tensor(n)
```
"""


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("append = 3", "names a tensor"),
        ('append = "a b"', "names a tensor"),
        ('choices = ["a,b", "c"]', "commas"),
    ],
)
def test_what_an_append_may_say(line: str, said: str) -> None:
    with pytest.raises(LessonError, match=said):
        parse(FRONT.format(line), "x.md")


def test_append_belongs_to_a_list() -> None:
    text = FRONT.format('append = "x"').replace("default = [1, 2]", "default = 1\nrange = [0, 2]")
    with pytest.raises(LessonError, match="belongs to a list"):
        parse(text, "x.md")


@pytest.mark.parametrize(
    ("name", "said"), [("nothing", "unknown tensor"), ("x", "is not one number"), ("y", None)]
)
def test_what_a_list_grows_by_is_checked(name: str, said: str | None) -> None:
    text = FRONT.format(f'append = "{name}"').replace("(n)\n", "(n)\ny = x.sum()\n")
    found = [error.reason for error in problems(parse(text, "x.md"))]
    assert len(found) == (said is not None)
    assert said is None or said in found[0]
