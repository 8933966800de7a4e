"""Write the backward pass of a trace as a program in torch terms, and run it.

Each use of a tensor becomes one line, by the VJP rule in the using operation's entry, such as
`dW = dY.T @ X`. The cotangent of a broadcast operand is summed over the repeated axes; the cotangents of
several uses are added. An operation that has parts and no rule is differentiated part by part; one that has
neither is left to autograd.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from functools import partial

from torch import Tensor

from llm_linalg.analysis.gradients import explanations, flow, rules
from llm_linalg.analysis.gradients.explanations import Reason
from llm_linalg.analysis.gradients.names import GradientNames, transpose_of
from llm_linalg.analysis.gradients.rules import TO
from llm_linalg.analysis.own_programs import NONSENSE, Bounds, Halt, run_over
from llm_linalg.analysis.parts import parts_of
from llm_linalg.base.errors import HaltedError, ProgramError
from llm_linalg.base.untraced import untraced
from llm_linalg.ops.operation import Call, fill_template, literal, operand_names
from llm_linalg.ops.reads import IndexReads
from llm_linalg.ops.vjp import has_gradient
from llm_linalg.recording.record import AskFunction, Record
from llm_linalg.recording.record_node import N, RecordNode


def backward(
    trace: Record[N], loss: N, halt: Halt | None = None, ask: AskFunction | None = None
) -> Record[N]:
    """Return the gradient program of `loss`: each step in torch terms, such as `dW = dY.T @ X`.

    The gradient of a node is named `d` + the node's name.

    Args:
        trace: The trace.
        loss: One of its nodes.
        halt: Asked at each step whether to stop.
        ask: Calls functions that the trace does not hold; None if nobody can.

    Raises:
        ValueError: If the loss is not floating-point.
        LookupError: If the trace makes no sense.
        LimitError: If a step would make too much.
        HaltedError: If it was stopped.
    """
    if not loss.value.dtype.is_floating_point:
        raise ValueError(f"{loss.name} is {loss.dtype}: only what is made of real numbers has a gradient")
    writer, program = _written(trace, loss, halt, ask)
    if spread := writer.not_finite(program):
        writer, program = _written(trace, loss, halt, ask, spread)
    _call_by_variable(program, writer.names)
    for node in program.nodes:
        _call_by_expression(node, writer.names)
        if node.line is not None:
            reason = writer.reasons[node.line - 1]
            node.forward_node, node.why = reason.user, writer.names.in_words(reason.of(node))
            # Its map is that of the forward pass, gone through backwards.
            node.scope = _whole(reason.user).scope
    for forward, name in writer.names.of.items():
        if forward.composite is None and f"d{name}" in program.names:
            program.names.setdefault(f"d{forward.name}", program.names[f"d{name}"])
    for former, own in writer.names.former.items():
        if own in program.names:
            program.names.setdefault(former, program.names[own])
    return program


def _written(
    trace: Record[N],
    loss: N,
    halt: Halt | None,
    ask: AskFunction | None,
    asked: Set[RecordNode] = frozenset(),
) -> tuple[_Writer, Record[N]]:
    """Return a gradient program with what wrote it; autograd is asked how to go back through some nodes."""
    writer = _Writer(trace.nodes, loss, ask, asked)
    try:
        writer.write(halt)
    except NONSENSE as error:
        raise LookupError(f"the gradient of {loss.name} can't be worked out: {error}") from error
    try:
        return writer, run_over(
            "\n".join(writer.lines),
            writer.names.known,
            seed=trace.seed,
            names=writer.autograd_steps,
            node_type=type(loss),
            halt=halt,
        )
    except ProgramError as error:
        lost = error.__cause__
        raise (lost if isinstance(lost, LookupError) else error) from lost


def _call_by_variable(program: Record[N], names: GradientNames) -> None:
    """Call an expression's gradient by the one variable that has the same: `dY` for `d(Y - target)`."""
    sharing: dict[N, list[RecordNode]] = {}
    for forward, name in names.of.items():
        shared = program.names.get(f"d{name}")
        if shared is not None and forward.composite is None:
            sharing.setdefault(shared, []).append(forward)
    for node, forwards in sharing.items():
        variables = [forward.name for forward in forwards if forward.bound_name]
        if len(variables) == 1 and names.titles.get(node.bound_name or "", "").startswith("d("):
            names.titles[node.bound_name or ""] = f"d{variables[0]}"


def _call_by_expression(node: RecordNode, names: GradientNames) -> None:
    """Call a node by the expression that it stands for, `d(x @ W)`, where its name was made up here."""
    if node.bound_name is None:
        node.source = names.in_words(node.source)
    else:
        node.words = node.words or names.titles.get(node.bound_name, "")


def _whole(node: RecordNode) -> RecordNode:
    """Return the node of the program itself that a part is in."""
    while node.composite is not None:
        node = node.composite
    return node


def _shares(node: RecordNode) -> bool:
    """Return whether a part of a pool gives to several equal cells what torch gives to the first alone."""
    best = [part.call for part in parts_of(node) if part.op == "amax"] if "max_pool" in node.op else []
    for call in filter(None, best):
        own = call.tensor("input")
        if int((own == own.amax(call.dims(), keepdim=True)).sum()) > call.result.numel():
            return True
    return False


def _is_finite(node: RecordNode) -> bool:
    """Return whether no infinity or nan inside a composite goes into the gradients of its operands.

    Otherwise 0·∞ may stand where torch, which knows the whole, has a number. What all that read it ignore, as
    a softmax does -∞, goes nowhere, nor does what comes to cells that a mask has replaced.
    """
    parts = [part for part in parts_of(node) if has_gradient(part.value)]
    uses = [(own.node, part.call, place) for part in parts for place, own in enumerate(part.operands)]
    tainted: dict[RecordNode, Tensor] = {}  # by node: the cells whose gradient may be nan
    for part in reversed(parts):
        wrong = ~part.value.isfinite()
        calls = [(call, place) for used, call, place in uses if used is part and call]
        ignored = [call.operation.ignored_cells(call, place) for call, place in calls]
        known = [cells for cells in ignored if cells is not None]
        for cells in known if len(known) == len(ignored) else ():
            wrong = wrong & ~cells
        wrong = wrong | tainted[part] if part in tainted else wrong
        for operand, reads in zip(part.operands, part.operand_reads if wrong.any() else (), strict=False):
            reached = reads.back(wrong)
            if operand.node not in parts and has_gradient(operand.value) and reached.any():
                return False
            tainted[operand.node] = reached | tainted[operand.node] if operand.node in tainted else reached
    return True


_AS_AUTOGRAD = ("pointwise", "contraction")
"""Kinds whose rules multiply what autograd multiplies, so that they have nan where it has."""
_FEW = 8  # cotangents that are added with plus signs; more are stacked


@dataclass(frozen=True, slots=True)
class _Part:
    """The contribution of one use of a tensor to its cotangent: the using node, a rule, an explanation."""

    user: RecordNode
    text: str
    why: str

    @property
    def same(self) -> bool:
        """Whether it passes a cotangent on unchanged."""
        return self.text.isidentifier()


class _Writer:
    """Writes the lines of a gradient program, from the loss to the inputs.

    Attributes:
        names: The names of forward nodes in it.
        lines: The program.
        reasons: The explanation of each line.
        autograd_steps: Steps that autograd takes, by the names that the program calls them.
    """

    def __init__(
        self,
        nodes: Sequence[RecordNode],
        loss: RecordNode,
        ask: AskFunction | None,
        asked: Set[RecordNode] = frozenset(),
    ) -> None:
        self._loss, self._ask, self._autograd = loss, ask, asked
        self._mixing: dict[RecordNode, str] = {}  # by node whose rule makes sums: its cotangent's name
        self._level = tuple(nodes)  # the program's nodes, or the parts of a composite while inside it
        self._ends = flow.ends_of(self._before, loss, can_ask=ask is not None)
        self._needed = flow.needed(self._before, loss, self._ends)
        self._parts: dict[RecordNode, list[_Part]] = {loss: []}
        self._emitted: set[RecordNode] = set()
        self._aliases: dict[RecordNode, str] = {}
        # What a name means at the end is what it means in the program, but of a leaf that was written: its.
        self.names = GradientNames([*flow.written_leaves(self._before), *reversed(self._before)])
        self.lines: list[str] = []
        self.reasons: list[Reason] = []
        self.autograd_steps: dict[str, Callable[..., Tensor | tuple[Tensor, ...]]] = {}

    def write(self, halt: Halt | None = None) -> None:
        """Write each node's cotangent once all its uses are done, and pass it on to its operands."""
        Bounds(node.value for node in self._before).hold(node.value for node in self._before)
        for node in reversed(self._before):
            if halt is not None and halt():
                raise HaltedError("stopped: there is no gradient program")
            if node in self._needed and node in self._parts:
                self._emit(node)
                self._send(node)

    def not_finite(self, program: Record[N]) -> set[RecordNode]:
        """Return the nodes to which ∞ or nan comes back, and whose rule adds up products with it.

        Some of these are with 0, which gives nan, where torch has picked cells and has 0.
        """
        named = {node: program.names[name] for node, name in self._mixing.items() if name in program.names}
        with untraced():
            return {node for node, own in named.items() if not bool(own.value.isfinite().all())}

    @property
    def _before(self) -> tuple[RecordNode, ...]:
        return self._level[: self._loss.index + 1]

    def _d(self, node: RecordNode) -> str:
        return self._aliases.get(node, f"d{self.names.of[node]}")

    def _emit(self, node: RecordNode) -> None:
        """Write a node's cotangent, once."""
        if node in self._emitted:
            return
        self._emitted.add(node)
        parts, name = self._parts[node], f"d{self.names.of[node]}"
        if node is self._loss:
            seed = f"torch.ones_like({self.names.mention(node)})"
            parts = [_Part(node, seed, explanations.seed_reason(node)), *parts]
        if node.hooks or node.has_hook:
            parts = [self._hooked(node, name, parts)]
        is_inner = node.bound_name is None or node.composite is not None
        if len(parts) == 1 and parts[0].same and is_inner:
            self._aliases[node] = parts[0].text  # what is passed on unchanged needs no line
            return
        if len(parts) == 1:
            self._write(name, parts[0], node)
            return
        self._add_up(name, parts, node)

    def _add_up(self, name: str, parts: list[_Part], node: RecordNode) -> None:
        """Bind a name to the sum of several cotangents of a node."""
        several = self.names.ways(name, [part.user for part in parts])
        for own, part in zip(several, parts, strict=True):
            self._write(own, part, node)
        few = len(several) <= _FEW
        total = " + ".join(several) if few else f"torch.stack([{', '.join(several)}]).sum(0)"
        ways = [(own, part.user, part.same) for own, part in zip(several, parts, strict=True)]
        self._line(f"{name} = {total}", Reason(explanations.sum_reason(node, ways), node, node))

    def _hooked(self, node: RecordNode, name: str, parts: list[_Part]) -> _Part:
        """Return the cotangent of a node as its hooks leave it, once they have seen the sum of all."""
        before = self.names.free(f"{name}_before")
        if len(parts) > 1:
            self._add_up(before, parts, node)
        else:
            self._write(before, parts[0], node)

        def ask(cotangents: Sequence[Tensor | None]) -> list[Tensor]:
            (cotangent,) = cotangents
            return [] if cotangent is None else [flow.after_hooks(node, cotangent, self._ask)]

        return _Part(node, f"{self._asked(node, 'hook', ask)}({before})", explanations.HOOK)

    def _write(self, name: str, part: _Part, target: RecordNode) -> None:
        reason = Reason(part.why, part.user, target)
        *lines, last = part.text.split("\n")
        for line in lines:
            self._line(line.replace(TO, name), reason)
        if last != TO:
            self._line(f"{name} = {last}", reason)

    def _line(self, text: str, reason: Reason) -> None:
        self.lines.append(text)
        self.reasons.append(reason)

    def _send(self, node: RecordNode) -> None:
        """Pass a node's cotangent on to its operands."""
        call, kept = node.call, flow.kept_places(node)
        if call is None or node in self._ends:
            return
        if kept is not None:
            for place in kept:
                self._add(node.operands[place].node, _Part(node, self._d(node), explanations.UNSEEN))
            return
        if flow.is_own(node):
            self._send_to_function(node)
            return
        joint = call.operation.joint_vjp
        if joint is not None:
            self._send_jointly(node, joint(call))
            return
        cotangents = rules.rules_of(call)
        names = operand_names(call)
        wanted = [place for place, operand in enumerate(node.operands) if operand.node in self._needed]
        lacks = any(names[place] not in cotangents for place in wanted)
        by_parts = lacks and bool(parts_of(node)) and not _shares(node) and _is_finite(node)
        makes_sums = by_parts or any("@" in text or "*" in text for text in cotangents.values())
        if makes_sums and node.kind not in _AS_AUTOGRAD and node.composite is None:
            self._mixing[node] = self._d(node)
            if node in self._autograd:
                by_parts, cotangents = False, {}
        if by_parts:
            self._send_by_parts(node)
            return
        for place in wanted:
            self._pass_on(node, call, place, cotangents.get(names[place]))

    def _send_by_parts(self, node: RecordNode) -> None:
        """Go back through the parts of a composite, starting with its cotangent at the last part."""
        level, self._level = self._level, parts_of(node)
        last = parts_of(node)[-1]
        self._needed |= flow.needed(parts_of(node), last)
        for part in reversed(parts_of(node)):
            self.names.give(part, self.names.inner(node, part.name))
        self._aliases[last], self._parts[last] = self._d(node), []
        self._emitted.add(last)
        targets = {item.node for item in node.operands if item.node in self._needed}
        before = {target: self._parts.pop(target, []) for target in sorted(targets, key=lambda n: n.index)}
        for part in reversed(parts_of(node)):
            if part in self._needed and part in self._parts:
                self._emit(part)
                self._send(part)
        self._level = level
        for target, parts in before.items():
            ways = [*parts, *self._gathered(node, target, self._parts.pop(target, []))]
            if ways:  # its parts may leave an operand aside, as the running means of a batch norm in training
                self._parts[target] = ways

    def _gathered(self, node: RecordNode, target: RecordNode, parts: list[_Part]) -> list[_Part]:
        """Add up what a composite's parts contribute to one of its operands."""
        if len(parts) < 2:
            return parts
        texts = []
        for part in parts:
            name = part.text if part.same else self.names.free(f"d{self.names.inner(node, 'way')}")
            texts.append(name)
            if not part.same:
                self._write(name, part, target)
        ways = [(text, part.user, part.same) for text, part in zip(texts, parts, strict=True)]
        why = f"Back through {node.title} ({node.op}), part by part. {explanations.sum_reason(target, ways)}"
        return [_Part(node, " + ".join(texts), why)]

    def _send_jointly(self, node: RecordNode, template: str) -> None:
        """Join the cotangents of all outputs of a call, once the last output that has one is reached."""
        target, pieces = node.operands[0].node, self._pieces(node)
        if pieces is not None and target in self._needed:
            joined = [
                piece or f"torch.zeros_like({self.names.mention(other)})" for other, piece in pieces.items()
            ]
            why = explanations.operand_reason(node, 0, target, self._d(node), ())
            self._add(target, _Part(node, template.replace("{all}", ", ".join(joined)), why))

    def _send_to_function(self, node: RecordNode) -> None:
        """Hand the cotangents of all its outputs to a function that has a backward pass of its own."""
        pieces = self._pieces(node)
        places = [place for place in flow.open_places(node) if node.operands[place].node in self._needed]
        if pieces is None or not places:
            return

        def ask(cotangents: Sequence[Tensor | None]) -> list[Tensor]:
            gradients = flow.own_gradients(node, cotangents, self._ask)
            return [gradients[place] for place in places]

        given = ", ".join(piece or "None" for piece in pieces.values())
        text = f"{self._asked(node, 'backward', ask)}({given})"
        asked = explanations.OWN if self._ask is None else explanations.ASKED
        why = f"Back through {node.title} ({node.op}). {asked}"
        targets = [node.operands[place].node for place in places]
        if len(targets) == 1:
            self._add(targets[0], _Part(node, text, why))
            return
        ways = [self.names.free(f"d{self.names.inner(node, 'way')}") for _ in places]
        self._line(f"{', '.join(ways)} = {text}", Reason(why, node, targets[0]))
        for target, way in zip(targets, ways, strict=True):
            self._add(target, _Part(node, way, why))

    def _asked(self, node: RecordNode, what: str, ask: rules.AskedFunction) -> str:
        """Return the name of a step at which a function of the program is called."""
        asked = self.names.free(f"{what}_{node.op}_{node.index}")
        self.autograd_steps[asked] = partial(rules.own_backward, ask=ask, step=flow.place_of(node))
        return asked

    def _pieces(self, node: RecordNode) -> dict[RecordNode, str] | None:
        """Return the cotangent of each output of a call, empty for none; None if they have been joined."""
        outputs = flow.outputs_of(self._level, node)
        if any(other.index > node.index and other in self._parts for other in outputs):
            return None
        for other in outputs:
            if other in self._parts:
                self._emit(other)
        return {other: self._d(other) if other in self._parts else "" for other in outputs}

    def _add(self, target: RecordNode, part: _Part) -> None:
        self._parts.setdefault(target, []).append(part)

    def _pass_on(self, node: RecordNode, call: Call, place: int, template: str | None) -> None:
        if template == "":
            return  # nothing goes back through a detach
        target, axes = node.operands[place].node, tuple[int, ...]()
        turned = self._through_transpose(node, place)
        if turned is not None:
            target, text = turned
        elif template is not None:
            text, axes = self._rule(node, place, template)
        else:
            step = self.names.free(f"vjp_{node.op}_{node.index}_{place}")
            self.autograd_steps[step] = partial(rules.vjp, call=call, place=place, step=flow.place_of(node))
            text = f"{step}({self._d(node)})"
        if template is None and turned is None:
            asked = explanations.NOT_FINITE if node in self._autograd else explanations.NO_RULE
            why = f"Back through {node.title} ({node.op}). {asked}"
        else:
            why = explanations.operand_reason(node, place, target, self._d(node), axes)
        self._add(target, _Part(node, text, why))

    def _through_transpose(self, node: RecordNode, place: int) -> tuple[RecordNode, str] | None:
        """Return W and its cotangent for a product with `W.T`, in one step: `dW = dY.T @ X`."""
        shapes = node.call.shapes if node.call else ()
        turned = transpose_of(node.operands[place].node)
        other = node.operands[1 - place].node if node.op == "matmul" else None
        if turned is None or other is None or turned[0] not in self._needed or node.value.is_complex():
            return None
        (source, sign), cotangent, partner = turned, self._d(node), self.names.mention(other)
        if place and len(shapes[0]) == 1 and len(shapes[1]) == 2:
            return source, f"torch.outer({cotangent}, {partner})"
        if len(shapes[0]) != len(shapes[1]) or shapes[0][:-2] != shapes[1][:-2]:
            return None
        return source, f"{cotangent}.{sign} @ {partner}" if place else f"{partner} @ {cotangent}.{sign}"

    def _rule(self, node: RecordNode, place: int, template: str) -> tuple[str, tuple[int, ...]]:
        """Return a rule of the table with the program's names filled in, and the axes that it sums over."""
        call = node.call
        if call is None:
            raise LookupError(node.name)
        given = {name: node.operands[other].node for other, name in operand_names(call).items()}
        given["out"] = node
        if "{indices}" in template:
            given["indices"] = self._level[node.index + 1]
        if "{source}" in template:
            given["source"] = self._source(node, place)
        renamed = rules.rename_locals(template, lambda name: self.names.free(self.names.inner(node, name)))
        text = self._fill(renamed, node, given)
        tensors = {name: known.value for name, known in given.items()}
        tensors["d"] = node.value.new_ones(()).expand(node.shape)
        return rules.fit_rule(template, text, call, place, tensors)

    def _fill(self, template: str, node: RecordNode, given: dict[str, RecordNode]) -> str:
        plain = dict(node.call.arguments if node.call else {})
        alpha = plain.pop("alpha", 1)
        template = template.replace("{alpha}", "" if alpha == 1 else f"{literal(alpha)} * ")
        for name, known in given.items():
            turned = transpose_of(known)
            if turned is not None:  # (W.T).T is W
                plain_side = f"{{{name}}}.{turned[1]}"
                if plain_side in template:
                    template = template.replace(plain_side, self.names.mention(turned[0]))
            if "{" + name + "}" in template:
                template = template.replace("{" + name + "}", self.names.mention(known))
        return fill_template(template.replace("{d}", self._d(node)), plain)

    def _source(self, node: RecordNode, place: int) -> RecordNode:
        """Return where each cell of a movement came from, counted from 1, as an input of the program."""
        relation = node.operand_reads[place]
        if not isinstance(relation, IndexReads):
            raise LookupError(f"{node.name} is no movement of its operand {place}")
        name = self.names.free(self.names.inner(node, "source"))
        source = type(node)(0, "input", relation.positions, name=name)
        self.names.of[source] = name
        return source
