"""Programs that go on steadily until a tensor's value makes one of their last turns explode.

Nothing tells them from honest ones before: so those take as long. Each is written with ``HUGE``, which is
what it turns at last; with 1 instead it is the honest one.
"""

from __future__ import annotations

_PROGRAM = """
t = torch.ones({turns})
t[-{last}:] = HUGE
{first}
for i in range({turns}):
    {each}
    for j in range(int(t[i].item())):
        {inner}
"""


def _late(turns: int, inner: str, first: str = "x = torch.ones(8)", each: str = "pass", last: int = 5) -> str:
    return _PROGRAM.format(turns=turns, last=last, first=first, each=each, inner=inner)


_WEIGHT = "w = torch.ones(2, requires_grad=True)\nh = w"
_BACK = "h.sum().backward(retain_graph=True)"
LATE = {
    "short tensors": _late(1_200, "x = x * 1.0", last=10),
    "that half of the turns do": _late(1_000, "x = x * 1.0", last=500),
    "after few turns": _late(200, "x = x * 1.0", each="y = x * 2"),
    "wide tensors": _late(300, "y = x.exp()", "x = torch.ones(200, 200)", "y = x.exp()"),
    "products": _late(90, "y = x @ x", "x = torch.ones(300, 300)"),
    "a product a turn": _late(60, "y = x @ x", "x = torch.ones(200, 200)", "y = x @ x"),
    "backward passes": _late(100, "(w * w).sum().backward()", _WEIGHT, "(w * w).sum().backward()"),
    "back through more and more": _late(100, f"h = h * 1.0; {_BACK}", _WEIGHT, "h = h * 1.0"),
    "lists": _late(1_500, "y = sorted(xs)", "xs = [0] * 100", last=10),
    "texts": _late(500, "s = str(i)"),
    "long lists": _late(200, "s = [1] * 3_000"),
    "numbers": _late(900, "n = n + 1", "n = 0"),
    "turns that are loops": _late(60, "x = x * 1.0", each="for k in range(20): y = x + 1"),
    "a list that doubles": _late(60, "xs = xs + xs", "xs = [1.0, 2.0]", "xs = [1.0, 2.0]"),
}
