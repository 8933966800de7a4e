"""What `llm-linalg trace` is given: inputs, wherever the target stands, and layers that don't take them."""

from __future__ import annotations

from pathlib import Path

from tests.app.test_given import SOURCE, Capture, ours, written

PAIR = """
from torch import nn

def pair(a, b):
    return a @ b.float()

class Deep(nn.Module):
    def __init__(self):
        super().__init__()
        self.h = nn.ModuleList([nn.Linear(4, 5), nn.Linear(4, 3)])

    def forward(self, x):
        for layer in self.h:
            x = layer(x)
        return x
"""


def test_inputs_stand_before_or_behind_the_target(tmp_path: Path, capsys: Capture) -> None:
    target = written(tmp_path, "own_pair", PAIR) + ":pair"
    first, second = "2x3", "randint:0:9:3x4"
    for words in (
        [target, "--inputs", first, second],
        [target, "--inputs", first, "--inputs", second],
        ["--inputs", first, second, target],
        ["--inputs", first, target, "--inputs", second],
    ):
        done, out, _ = ours(capsys, "trace", *words, "--format", "plain")
        assert (done, "= matmul(a, " in out) == (0, True)
    (tmp_path / "own (1)").mkdir()
    named = written(tmp_path / "own (1)", "own_named", "def own(x):\n    return x\n") + ":own"
    for text in ("'a:b'", '{"x":torch.ones(2)}', "2x3"):
        assert ours(capsys, "trace", "--inputs", text, named, "--format", "plain")[0] == 0
    for words in ([], ["--inputs", first, second]):
        assert ours(capsys, "trace", *words)[::2] == (
            2, "llm-linalg: the following arguments are required: TARGET\n",
        )  # fmt: skip


def test_nothing_is_no_input(tmp_path: Path, capsys: Capture) -> None:
    target = written(tmp_path, "own_double", SOURCE) + ":double"
    done, _, narration = ours(capsys, "trace", target, "--inputs", "", "--format", "plain")
    assert (done, narration.splitlines()[-1]) == (
        1, "an empty text is not an expression, such as torch.randn(2, 5, 8)",
    )  # fmt: skip


def test_a_failure_names_the_weight_as_the_module_does(tmp_path: Path, capsys: Capture) -> None:
    target = written(tmp_path, "own_deep", PAIR) + ":Deep()"
    done, _, narration = ours(capsys, "trace", target, "--inputs", "2x4", "--format", "plain")
    assert (done, "a row of h.1.weight (3, 4) has 4: they can't be paired up" in narration) == (1, True)
