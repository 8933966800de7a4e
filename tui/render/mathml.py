"""A formula as MathML for a page, its names in the colours that their tensors have in the picture."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from tui.text.formula_spans import NO_HUES, NameHues, hue_of_names

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element


def mathml(tex: str, hues: NameHues = NO_HUES, *, display: bool = False) -> str:
    """Return a formula as the element `math` of HTML; empty for one that can't be read."""
    from llm_linalg.lessons.formulas.tex_tree import FormulaError, tree

    try:
        root = tree(tex)
    except FormulaError:
        return ""
    kind = ' display="block"' if display else ""
    return f"<math{kind}>{''.join(_element(child, hues) for child in root)}</math>"


def _element(element: Element, hues: NameHues) -> str:
    from llm_linalg.lessons.formulas.formula_layout import element_names

    hue = hue_of_names(element_names(element), hues) if hues else ""
    classes = " ".join(filter(None, (element.get("class", ""), hue)))
    attributes = {**element.attrib, **({"class": classes} if classes else {})}
    written = "".join(f' {name}="{escape(value)}"' for name, value in sorted(attributes.items()))
    inside = "".join(_element(child, hues) for child in element)
    return f"<{element.tag}{written}>{escape(element.text or '')}{inside}</{element.tag}>"
