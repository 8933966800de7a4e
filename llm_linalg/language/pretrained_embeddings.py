"""`nn.Embedding.from_pretrained`: a layer over the rows that a program has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from llm_linalg.base.short_repr import short_repr
from llm_linalg.base.untraced import untraced
from llm_linalg.language import modules
from llm_linalg.language.budget import NEW_LAYER_STEPS
from llm_linalg.language.run_function import RunFunction

if TYPE_CHECKING:
    from llm_linalg.language.interpreter import Interpreter


def from_pretrained(
    run: Interpreter, embeddings: Tensor, freeze: bool = True, padding_idx: int | None = None, **settings: Any
) -> nn.Embedding:
    """Do what `nn.Embedding.from_pretrained` does: the layer shares the memory of the rows it is given.

    Args:
        run: The run.
        embeddings: The rows, of shape (words, size).
        freeze: Whether they get no gradient.
        padding_idx: The row that gets none in any case.
        settings: The layer's other settings.

    Raises:
        TypeError: If the rows are no tensor.
        AssertionError: If they have another number of axes than two.
    """
    if not isinstance(embeddings, Tensor):
        raise TypeError(f"nn.Embedding.from_pretrained takes a tensor, not {short_repr(embeddings)}")
    if embeddings.dim() != 2:
        raise AssertionError("Embeddings parameter is expected to be 2-dimensional")
    for name in settings:
        if name.startswith("_"):
            raise TypeError(f"Embedding.from_pretrained() got an unexpected keyword argument '{name}'")
    run.budget.step(NEW_LAYER_STEPS)
    with untraced():
        arguments = [*embeddings.shape, padding_idx]
        arguments, named = modules.check_arguments(nn.Embedding, arguments, settings)
        rows = {"_weight": embeddings.detach(), "_freeze": bool(freeze)}
        layer = nn.Embedding(*arguments, **{**named, **rows})
    run.recorder.note_input(layer.weight, None, "parameter")
    return layer


OF_CLASSES: Mapping[tuple[type, str], RunFunction] = {
    (nn.Embedding, "from_pretrained"): RunFunction("from_pretrained", from_pretrained)
}
"""Functions that stand behind the name of a layer."""
