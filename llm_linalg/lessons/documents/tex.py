r"""Formulas in LaTeX as a line of text: `\mathbf{x}^\top W_{ij}` becomes `xᵀ Wᵢⱼ`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from unicodedata import normalize

DEEPEST = 20  # groups within groups, in braces or not
_TOKEN = re.compile(r"\\[A-Za-z]+\*?|\\.|[{}^_&]|\s+|[^\\{}^_&\s]", re.DOTALL)

_GREEK = """
    alpha α beta β gamma γ delta δ epsilon ε varepsilon ε zeta ζ eta η theta θ iota ι kappa κ lambda
    λ mu μ nu ν
    xi ξ pi π rho ρ sigma σ tau τ upsilon υ phi φ varphi φ chi χ psi ψ omega ω
    Gamma Γ Delta Δ Theta Θ Lambda Λ Xi Ξ Pi Π Sigma Σ Phi Φ Psi Ψ Omega Ω
"""
_SIGNS = """
    cdot · times × div ÷ pm ± mp ∓ ast ∗ star ⋆ circ ∘ bullet • odot ⊙ oplus ⊕ otimes ⊗ top ᵀ intercal ᵀ
    leq ≤ le ≤ geq ≥ ge ≥ neq ≠ ne ≠ approx ≈ equiv ≡ sim ∼ simeq ≃ propto ∝ ll ≪ gg ≫ in ∈ notin ∉ ni ∋
    subset ⊂ subseteq ⊆ supset ⊃ cup ∪ cap ∩ setminus ∖ emptyset ∅ forall ∀ exists ∃ neg ¬ land ∧
    wedge ∧ lor ∨ vee ∨
    to → rightarrow → leftarrow ← Rightarrow ⇒ Leftarrow ⇐ leftrightarrow ↔ Leftrightarrow ⇔ mapsto ↦
    sum Σ prod Π int ∫ partial ∂ nabla ∇ infty ∞ ldots … cdots … dots … vdots ⋮ ddots ⋱
    langle ⟨ rangle ⟩ lVert ‖ rVert ‖ Vert ‖ | ‖ lvert | rvert | vert | mid | lfloor ⌊ rfloor ⌋
    lceil ⌈ rceil ⌉
    ell ℓ hbar ℏ Re ℜ Im ℑ prime ′ perp ⊥ parallel ∥ angle ∠ colon : lbrace { rbrace } backslash \\
"""
_pairs = (_GREEK + _SIGNS).split()
SIGNS: Mapping[str, str] = dict(zip(_pairs[::2], _pairs[1::2], strict=True))
"""By the name of a command, its character."""
_SPACES = frozenset(
    [",", ";", ":", "!", " ", "quad", "qquad", "space", "thinspace", "enspace", "displaystyle"]
)
_SIZES = "left right big Big bigg Bigg bigl bigr limits nolimits nonumber textstyle"
_LEFT_OUT = frozenset(_SIZES.split())
_BLACKBOARD = str.maketrans("CHNPQRZE1", "ℂℍℕℙℚℝℤ𝔼𝟙")
_SCRIPT = str.maketrans("BEFHILMRDNUXYTAVW", "ℬℰℱℋℐℒℳℛ𝒟𝒩𝒰𝒳𝒴𝒯𝒜𝒱𝒲")
_ACCENTS = {
    "hat": "\u0302", "widehat": "\u0302", "bar": "\u0304", "overline": "\u0304", "tilde": "\u0303",
    "widetilde": "\u0303", "vec": "\u20d7", "dot": "\u0307", "ddot": "\u0308",
}  # fmt: skip
_HIGH = "0⁰1¹2²3³4⁴5⁵6⁶7⁷8⁸9⁹+⁺-⁻=⁼(⁽)⁾nⁿiⁱjʲkᵏlˡmᵐTᵀtᵗaᵃbᵇcᶜdᵈeᵉfᶠgᵍhʰoᵒpᵖrʳsˢuᵘvᵛwʷxˣyʸzᶻᵀᵀ′′∗∗"
_LOW = "0₀1₁2₂3₃4₄5₅6₆7₇8₈9₉+₊-₋=₌(₍)₎aₐeₑhₕiᵢjⱼkₖlₗmₘnₙoₒpₚrᵣsₛtₜuᵤvᵥxₓβᵦγᵧρᵨφᵩχᵪ"
_RAISED = dict(zip(_HIGH[::2], _HIGH[1::2], strict=True))
_LOWERED = dict(zip(_LOW[::2], _LOW[1::2], strict=True))
_FIXED = {**SIGNS, **dict.fromkeys(_SPACES, " "), **dict.fromkeys(_LEFT_OUT, ""), "\\": "; "}
_SIMPLE = re.compile(r"[\w.′ᵀ⁰-⁹₀-₉ᵢⱼ\u0300-\u036f]+")


def tex_text(tex: str) -> str:
    """Return a formula as a line of text; what it knows no character for keeps its name."""
    parser = _Parser(_TOKEN.findall(tex))
    return normalize("NFC", re.sub(r"\s+", " ", parser.text()).strip())


class _Parser:
    """The pieces of a formula that are still to be read."""

    def __init__(self, pieces: list[str]) -> None:
        self._pieces = pieces
        self._at = 0
        self._depth = 0

    def text(self) -> str:
        """Return the text up to the brace that closes, or the end."""
        parts: list[str] = []
        while self._at < len(self._pieces):
            piece = self._pieces[self._at]
            if piece == "}" and self._depth:
                break
            self._at += 1
            parts.append(self._part(piece))
        return "".join(parts)

    def _part(self, piece: str) -> str:
        if piece == "{":
            self._at -= 1
            return self._group()
        if piece in "^_":
            return _script(self._group(), raised=piece == "^")
        if piece == "&":
            return " "
        if piece.startswith("\\"):
            return self._command(piece[1:].rstrip("*"))
        return " " if piece.isspace() else "∗" if piece == "*" else "" if piece == "}" else piece

    def _command(self, name: str) -> str:
        if name in _FIXED:
            return _FIXED[name]
        if name in ("begin", "end"):
            kind = self._group()
            return ("[" if name == "begin" else "]") if "matrix" in kind else " "
        if name in ("frac", "tfrac", "dfrac"):
            return f"{_bracketed(self._group())}/{_bracketed(self._group())}"
        if name == "sqrt":
            return f"{_script(self._option(), raised=True)}√{_bracketed(self._group())}"
        if name in _ACCENTS:
            inner = self._group()
            return inner + _ACCENTS[name] if len(inner) == 1 else f"{inner}"
        if name == "mathbb":
            return self._group().translate(_BLACKBOARD)
        if name in ("mathcal", "mathscr"):
            return self._group().translate(_SCRIPT)
        if name in ("label", "tag", "eqref", "ref", "cite", "color"):
            self._group()
            return ""
        takes_words = name.startswith(("math", "text", "operator", "bold", "under", "over")) or name == "bm"
        if takes_words:
            return self._group()
        return f" {name} " if name.isalpha() else name

    def _group(self) -> str:
        """Return the text of what stands next: braces, or one piece."""
        while self._at < len(self._pieces) and self._pieces[self._at].isspace():
            self._at += 1
        if self._at == len(self._pieces):
            return ""
        piece = self._pieces[self._at]
        self._at += 1
        if self._depth >= DEEPEST and piece[0] in "{^_\\":
            return ""
        self._depth += 1
        if piece == "{":
            inner = self.text().strip()
            self._at += 1  # the brace that closes
        else:
            inner = self._part(piece)
        self._depth -= 1
        return inner

    def _option(self) -> str:
        """Return the text in square brackets, if it stands next, such as the 3 of a cube root."""
        if self._pieces[self._at : self._at + 1] != ["["] or "]" not in self._pieces[self._at :]:
            return ""
        end = self._pieces.index("]", self._at)
        inner = _Parser(self._pieces[self._at + 1 : end])
        self._at = end + 1
        return inner.text()


def _script(text: str, *, raised: bool) -> str:
    """Return an exponent or an index, in small characters if there are such."""
    table = _RAISED if raised else _LOWERED
    short = text.replace(" ", "").replace("−", "-")
    if short and all(char in table for char in short):
        return "".join(table[char] for char in short)
    return (
        ("^" if raised else "_") + (short if len(short) < 2 or short.isalnum() else f"({text})")
        if text
        else ""
    )


def _bracketed(text: str) -> str:
    return text if _SIMPLE.fullmatch(text) else f"({text})"
