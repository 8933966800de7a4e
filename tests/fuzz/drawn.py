"""Programs drawn from a seed that mostly run: odd tensors, any function of torch, gradients."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

import torch
from torch.nn import functional
from torch.overrides import get_overridable_functions

from llm_linalg import ProgramError, run
from tests.ops.listed import LISTED

LINES = (3, 12)  # drawn lines of a program; those that fail are left out
UNUSUAL = 0.25  # of the lines are of a longer form
LIKELY = 0.6  # of the calls are of a form that mostly succeeds
_SIZES = (0, 1, 1, 2, 2, 2, 3, 3, 3, 4)
_MAKERS = """
    torch.randn({s}) torch.randn({s}) torch.rand({s}) torch.ones({s}) torch.zeros({s})
    torch.randint(4,({s},)) torch.randn({s},requires_grad=True) torch.randn({s},dtype=torch.float64)
    torch.randn({s}).half() torch.randn({s}).bfloat16() torch.randn({s})>0
    torch.randint(-3,4,({s},),dtype=torch.int32) torch.arange({n}) torch.arange({n}.) torch.tensor({v})
    torch.tensor([{v},{v}]) torch.eye({n}) torch.tensor([{v},{v}],requires_grad=True)
    torch.full(({s},),{v}) torch.linspace(0,1,{n}) nn.Parameter(torch.randn({s}))
    torch.randint({n},({s},)).bool() torch.tensor([[{v},{v}],[{v},{v}]]) torch.tril(torch.ones({n},{n}))
    torch.randn({s}).to(torch.uint8)
"""
_FORMS = """
    {x}{o}{y} {x}{o}{y} {x}{o}{v} {v}{o}{x} -{x} ~{x} {x}@{y} {x}@{y}.T {x}.T@{x} {x}.T {x}.mT {x}[{i}]
    {x}[{i},{i}] {x}[{y}] {x}[{x}>0] {c}({x}) {c}({x},{a}) {c}({x},{a},{b}) {c}({x},{k}) {c}({x},{a},{k})
    {c}({x},{y}) {c}({x},{y},{a}) {c}({x},{y},{z}) {c}({x},{y},{k}) {x}.{m}() {x}.{m}({a})
    {x}.{m}({a},{b}) {x}.{m}({k}) {x}.{m}({y}) {x}.{m}({a},{y}) {x}.{m}({a},{y},{b}) {x}.{m}({y},{k})
    {x}.{m}({a},{k}) {c}([{x},{y}]) {c}([{x},{x}],{a}) torch.einsum('{e}',{x},{y}) torch.einsum('{f}',{x})
    {l}({x}) F.softmax({x},dim={a}) F.scaled_dot_product_attention({x},{x},{y}) F.cross_entropy({x},{y})
    F.linear({x},{y},{z}) F.layer_norm({x},{x}.shape[-1:]) {x}.sum({a}) ({x}*{y}).sum()
    {x}.masked_fill({y}>0,{v}) {c}({x},{a},{y}) F.embedding({x}.long(),{y}) {c}({a},{x}) {c}({a},{x},{y})
    {c}({x},{x},{x})
"""
_CALLS = """
    {x}.softmax({d}) F.log_softmax({x},{d}) {x}.cumsum({d}) {x}.cumprod({d}) {x}.sort({d})[0]
    {x}.sort({d})[1] {x}.topk(1,{d})[0] {x}.argsort({d}) {x}.argmax({d}) {x}.max({d})[0] {x}.min()
    {x}.amax({d}) {x}.prod({d}) {x}.var() {x}.std({d}) {x}.mean({d},keepdim=True) {x}.norm()
    {x}.norm(dim={d}) torch.linalg.norm({x}) {x}.all() {x}.any({d}) {x}.logsumexp({d})
    torch.tile({x},(2,)) {x}.repeat_interleave(2,{d}) {x}.roll(1,{d}) {x}.flip({d}) {x}.unsqueeze({d})
    {x}.squeeze() {x}.flatten() {x}.transpose(0,{d}) {x}.movedim(0,{d}) {x}.narrow({d},0,1)
    {x}.select({d},0) {x}.split(1,{d})[0] {x}.chunk(2,{d})[-1] torch.stack([{x},{x}],{d})
    torch.cat([{x},{x}],{d}) torch.vstack([{x},{x}]) {x}.unfold({d},1,1) {x}.diagonal()
    torch.diag_embed({x}) torch.diag({x}) {x}.tril({n}) {x}.triu()
    {x}.gather({d},torch.zeros_like({x}).long()) {x}.scatter({d},torch.zeros_like({x}).long(),{x})
    {x}.scatter({d},torch.zeros_like({x}).long(),{v})
    {x}.scatter_add({d},torch.zeros_like({x}).long(),{x}) {x}.index_select({d},torch.tensor([0,0]))
    torch.where({x}>0,{x},{v}) torch.where({x}>0) {x}.masked_fill({x}>0,{v}) F.one_hot({x}.long().abs())
    F.pad({x},(1,2)) F.pad({x},(1,-1),value={v}) F.normalize({x},dim={d}) {x}.clamp(-0.5,0.5)
    {x}.round(decimals=1) torch.outer({x}.flatten(),{y}.flatten()) torch.kron({x},{y}) torch.trace({x})
    F.cosine_similarity({x},{x}*2,dim={d}) F.dropout({x},0.5) {x}.nonzero() F.mse_loss({x},{x}*2)
    F.l1_loss({x},{x}*2) F.mse_loss({x},{x}*2,reduction='none') F.kl_div({x},{x}.softmax(-1))
    F.binary_cross_entropy_with_logits({x},{x}.sigmoid()) torch.broadcast_to({x},(2,)+{x}.shape)
    {x}.view(-1) {x}.reshape(-1,1) {x}.unbind({d})[0] F.rms_norm({x},{x}.shape[-1:])
    F.layer_norm({x},{x}.shape) F.cross_entropy({x},torch.zeros({x}.shape[0]).long())
    F.cross_entropy({x},{x}.softmax(-1)) F.scaled_dot_product_attention({x},{x},{x})
    F.scaled_dot_product_attention({x},{x},{x},is_causal=True) F.embedding(torch.zeros({s}).long(),{x})
    F.linear({x},{x}) F.linear({x},{x},{x}.sum(-1)) {x}@{x}.mT {x}.mT@{x} {x}.exp() {x}.log() {x}.sqrt()
    {x}.rsqrt() {x}.reciprocal() {x}.abs() {x}.sign() {x}.floor() {x}.tanh() F.gelu({x}) F.silu({x})
    F.elu({x}) F.softplus({x}) F.leaky_relu({x}) {x}.relu() {x}.sigmoid() {x}.erf() {x}.sin() {x}.square()
    {x}**3 {x}**{y} {x}/{y} {x}//{v} {x}%{v} {v}-{x} torch.maximum({x},{y}) torch.isclose({x},{x})
    {x}.isnan() ({x}>0)&({x}<2) {x}.double() {x}.half() {x}.long() {x}.bool() {x}.clone() {x}.detach()
    {x}.contiguous() {x}.to(torch.float64) torch.einsum('...i,...i->...',{x},{x})
    torch.einsum('ij,kj->ik',{x},{x}) torch.einsum('ij->j',{x}) torch.full_like({x},{v})
    torch.rand_like({x}) {x}[...,0] {x}[None] {x}[::2] {x}[{x}>0] {x}[torch.zeros(2).long()] {x}[:,0]
    {x}[0] torch.bmm({x},{x}.mT) torch.mv({x},{x}[0]) torch.dot({x}.flatten(),{x}.flatten()) {x}.T {x}.t()
    torch.multinomial({x}.abs()+1,1)
"""
"""Calls that mostly succeed."""
_INPUTS = {
    **dict.fromkeys("xyz", "{x}"),
    **dict.fromkeys("pq", "({x}.abs()+0.1)"),
    "u": "({x}.tanh()*0.9)",
    "o": "({x}.abs()+1.1)",
    **dict.fromkeys("ij", "{x}.long()"),
    **dict.fromkeys("vw", "{x}.flatten()"),
    **dict.fromkeys("ab", "({x}@{x}.mT)"),
    "s": "({x}@{x}.mT+torch.eye({x}.shape[-2]))",
    "t": "({x}@{x}.mT+torch.eye({x}.shape[-2])).tril()",
    "B": "torch.stack([{x},{x}])",
    "C": "torch.stack([{x}.mT,{x}.mT])",
    "m": "({x}>0)",
    "k": "torch.tensor([0,0])",
    "g": "torch.zeros_like({x}).long()",
    "c": "torch.complex({x},{x})",
}
"""What stands for an input of the calls that `tests.ops.listed` has."""


def _listed() -> list[str]:
    """Return the calls that are listed, over tensors of the program."""
    inputs = re.compile(rf"(?<![\w.'\"])([{''.join(_INPUTS)}])(?![\w=('\"])")
    calls = (call for calls in LISTED.values() for call in calls if "{" not in call)
    return [inputs.sub(lambda found: _INPUTS[found[1]], call).replace(" ", "") for call in calls]


_LIKELY = [*_CALLS.split(), *_listed()]
_STATEMENTS = """
    {t}={r} {t}={r} {t}={r} {t}={r} {t}={r} {t}={r} {t}={r} {t}={r} {t}={r} {t}={r} {t}={r} {t}={r}
    {t}{o}={r} {t}[{i}]={r} {t},u={r} {t}={r}.grad ({r}).sum().backward() {r} {t}=f({x},{y})
    {t}[{i}]{o}={r} {t}=g({x}) {t}=({r}).requires_grad_() {t}=({r}).detach()
"""
_LONGER = (
    "with torch.no_grad(): {t}={r}",
    "for i in range(2): {t}={r}",
    "if {x}.dim() > 1: {t}={r}",
    "while {x}.dim() > 3: {x}={x}[0]",
    "{t}=(lambda a, *more: a * 2 + sum(more))({x}, {v})",
    "{t}=torch.stack([row for row in {x} if (size := row.numel())])",
    "{t}, *rest = {x}",
    "{t}=torch.cat([*{x}])",
    "{t}=m({x})",
    "{x}.{m}({a})",
    "{x}.zero_()",
    "opt = torch.optim.{op}([p], lr=0.1)",
    "(p * {v}).sum().backward(); opt.step(); opt.zero_grad()",
    "{t}=torch.from_numpy(np.exp({x}.detach().numpy()))",
    "{t}=rearrange({x}, 'a b -> b a')",
    "{t}=nn.init.{init}(torch.empty({s}))",
    "nn.utils.clip_grad_norm_([p], 1.0)",
)
_OPTIMIZERS = "SGD Adam AdamW RMSprop Adagrad Adadelta Adamax NAdam RAdam"
_INITS = "ones_ zeros_ xavier_uniform_ xavier_normal_ kaiming_uniform_ normal_ uniform_ eye_"
_LAYERS = """
    nn.Linear(3,2) nn.Linear(2,2,bias=False) nn.ReLU() nn.GELU() nn.LayerNorm(3) nn.RMSNorm(2)
    nn.Softmax(-1) nn.Sequential(nn.Linear(2,3),nn.ReLU(),nn.Linear(3,2)) nn.Dropout(0.5) nn.Flatten()
    nn.Sigmoid() nn.SiLU() nn.Embedding(4,3) nn.LogSoftmax(0) nn.ELU() nn.Softplus() nn.Tanh()
    nn.Identity()
"""
_NUMBERS = "0 1 2 -1 -2 3 0.5 -1.5 1e-8 1e30 float('inf') float('nan') -torch.inf 2**62 True"
_ARGUMENTS = (
    "0 1 2 -1 -2 3 0.5 -1 0 1 (0,1) (-1,0) (2,3) [1,0] (1,-1) None True False -torch.inf torch.float64 (1,1)"
)
_INDICES = "0 1 -1 : :1 1: ::2 :0 ... None [0,1] True False [0] :-1 1:1"
_KEYWORDS = """
    dim=0 dim=-1 dim=1 dim=(0,1) dim=0,keepdim=True dim=-1,keepdim=True keepdim=True correction=0
    dtype=torch.float64 rounding_mode='trunc' rounding_mode='floor' alpha=2 largest=False descending=True
    unbiased=False min=0 max=1 ord=1 ord=2 p=1 reduction='sum' reduction='none' is_causal=True
    as_tuple=True diagonal=1 offset=1 eps=0.1 value=2 num_classes=4 dims=(1,0) shifts=1 repeats=2
    start_dim=1 decimals=1 dim0=0,dim1=1 bias=None weight=None stable=True output_size=4
    approximate='tanh' negative_slope=0.5 beta=2 enable_gqa=True scale=0.5 dropout_p=0.5
"""
_SUBSCRIPTS = "ij,jk->ik ij,ij->i i,j->ij ij,j->i bij,bjk->bik ij,kj-> ...i,...i->... ii,ij->j"
_ALONE = "ij->ji ii->i ij-> ...i->... ii-> ij->j"
_START = """\
import numpy as np
from einops import rearrange
def f(a, b):
    c = a * b
    return c + a
def g(a):
    return torch.relu(a).sum(-1)
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(3, 3)
        self.scale = nn.Parameter(torch.ones(3))
    def forward(self, a):
        return self.inner(a).relu() * self.scale
m, p = M(), nn.Parameter(torch.ones(3))
"""
_OPERATORS = "+ - * / // % ** @ < == & |"
_INDEX_OPERATORS = "+ - * /"


def _calls() -> tuple[Sequence[str], Sequence[str]]:
    """Return torch's functions and methods that take tensors, spelled as programs do."""
    spaces = {"torch": torch, "F": functional, "torch.linalg": torch.linalg, "torch.special": torch.special}
    taking = get_overridable_functions()
    functions = [
        f"{short}.{name}"
        for short, space in spaces.items()
        for name in sorted({function.__name__ for function in taking[space]})
        if hasattr(space, name) and not name.startswith("_")
    ]
    methods = {getattr(method, "__name__", "_") for method in taking[torch.Tensor]} - {"backward"}
    return functions, sorted(name for name in methods if not name.startswith("_"))


FUNCTIONS, METHODS = _calls()
_SCRAPS = [
    *"()[]{}:=.,+-*/@ \n'\"#_\\;!%&|^~<>\t\0\x1b\u202eé²𝐱",
    *(
        "\n    ",
        "**",
        "->",
        ":=",
        "f'{",
        "''",
        "x",
        "lambda",
        "yield",
        "class",
        "10**9",
        "torch.",
        "import ",
        "for ",
    ),
]


class Drawer:
    """Draws the parts of a program.

    Args:
        generator: Where all choices come from.
    """

    def __init__(self, generator: random.Random) -> None:
        self._generator = generator
        self._names = ["x", "y", "z"]

    def pick(self, options: Sequence[str]) -> str:
        """Return one of some texts."""
        return self._generator.choice(options)

    def sizes(self) -> str:
        """Return the sizes of a tensor of up to five axes, as arguments."""
        rank = self._generator.choice((1, 1, 2, 2, 2, 2, 3, 3, 4, 5))
        return ",".join(str(self._generator.choice(_SIZES)) for _ in range(rank))

    def lines(self) -> list[str]:
        """Return lines of which many fail."""
        made = [f"{name} = {self._filled(self.pick(_MAKERS.split()))}" for name in self._names]
        made.append(f"l = {self.pick(_LAYERS.split())}")
        for number in range(self._generator.randint(*LINES)):
            longer = self._generator.random() < UNUSUAL
            line = self.pick(_LONGER if longer else _STATEMENTS.split())
            if "{t}=" in line and self._generator.random() < 0.6:
                self._names.append(f"a{number}")
                line = line.replace("{t}=", f"a{number}=")
            made.append(self._filled(line))
        return made

    def _filled(self, form: str) -> str:
        """Return a form with a text for each of its fields; equal ones have the same text."""
        calls = _LIKELY if self._generator.random() < LIKELY else _FORMS.split()
        form = form.replace("{r}", self.pick(calls))
        near = self._names[-4:]
        return form.format(
            s=self.sizes(),
            n=self.pick(["0", "1", "2", "3", "4"]),
            v=self.pick(_NUMBERS.split()),
            x=self.pick(near),
            y=self.pick(self._names),
            z=self.pick(self._names),
            t=self.pick(self._names),
            o=self.pick((_INDEX_OPERATORS if "]{o}" in form else _OPERATORS).split()),
            i=self.pick(_INDICES.split()),
            d=self.pick(["0", "0", "-1", "-1", "1", "-2"]),
            c=self.pick(FUNCTIONS),
            m=self.pick(METHODS),
            a=self.pick(_ARGUMENTS.split()),
            b=self.pick(_ARGUMENTS.split()),
            k=self.pick(_KEYWORDS.split()),
            e=self.pick(_SUBSCRIPTS.split()),
            f=self.pick(_ALONE.split()),
            l="l",
            op=self.pick(_OPTIMIZERS.split()),
            init=self.pick(_INITS.split()),
        )


def draw_program(generator: random.Random) -> str:
    """Return a program; one in ten fails at its end, and one in twenty is any text at all."""
    if generator.random() < 0.05:
        return "".join(generator.choice(_SCRAPS) for _ in range(generator.randrange(200)))
    lines = Drawer(generator).lines()
    first = _START.count("\n") + 1
    starts = [1, *range(first, first + len(lines) + 1)]
    try:  # the empty last line is a cell, too: an error of the last is raised
        errors = run("\n".join([_START + lines[0], *lines[1:], ""]), cells=starts).cell_errors
    except ProgramError as error:
        return "\n".join([_START + lines[0], *lines[1 : max(1, (error.line or 1) - first)]])
    wrong = {(error.line or 0) - first for error in errors} & set(range(len(lines)))
    kept = [line for place, line in enumerate(lines) if place not in wrong]
    if wrong and generator.random() < 0.1:
        kept.append(lines[min(wrong)])
    return _START + "\n".join(kept)
