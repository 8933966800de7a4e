"""The table of the language, and a run of a whole program, or of one cell after another."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NoReturn

from llm_linalg.base.errors import LimitError, ProgramError, Repair, ShapeError
from llm_linalg.language import (
    allowlist,
    assignment,
    attribute_functions,
    attributes,
    calls,
    comprehensions,
    context_managers,
    exceptions,
    expressions,
    functions,
    generator_statements,
    imports,
    jumps,
    matching,
    statements,
    strings,
)
from llm_linalg.language.budget import Budget
from llm_linalg.language.cell_run import CellRun
from llm_linalg.language.classes import definition
from llm_linalg.language.interpreter import Code, Dispatch, Explain, Interpreter
from llm_linalg.language.notebook_source import NotebookSource
from llm_linalg.language.source import Source
from llm_linalg.recording import scopes
from llm_linalg.recording.record_node import RecordNode

MAX_REPAIRED_CELLS = 20  # cells that fail for which repairs are looked for

FindRepairs = Callable[[Interpreter, Code, ShapeError, list[ast.expr | None]], tuple[Repair, ...]]

LANGUAGE = Dispatch(
    handlers={
        # expressions; `Interpreter.evaluate` does ast.Constant and ast.Name itself
        ast.Tuple: expressions.tuple_display,
        ast.List: expressions.list_display,
        ast.Dict: expressions.dict_display,
        ast.BinOp: expressions.binary,
        ast.UnaryOp: expressions.unary,
        ast.BoolOp: expressions.boolean,
        ast.Compare: expressions.comparison,
        ast.IfExp: expressions.conditional,
        ast.Subscript: expressions.subscript,
        ast.Slice: expressions.slice_display,
        ast.Attribute: attributes.attribute,
        ast.Call: calls.call,
        ast.NamedExpr: assignment.named_expression,
        ast.Lambda: functions.lambda_expression,
        ast.Set: expressions.set_display,
        ast.ListComp: comprehensions.list_comprehension,
        ast.SetComp: comprehensions.set_comprehension,
        ast.GeneratorExp: comprehensions.generator,
        ast.DictComp: comprehensions.dict_comprehension,
        ast.Yield: generator_statements.misplaced_yield,
        ast.YieldFrom: generator_statements.misplaced_yield,
        ast.JoinedStr: strings.f_string,
        ast.FormattedValue: strings.replacement_field,
        # statements
        ast.Assign: assignment.assignment,
        ast.AnnAssign: assignment.annotated_assignment,
        ast.AugAssign: assignment.augmented_assignment,
        ast.Expr: statements.expression_statement,
        ast.If: statements.if_statement,
        ast.Match: matching.match_statement,
        ast.For: statements.for_loop,
        ast.While: statements.while_loop,
        ast.Break: statements.break_loop,
        ast.Continue: statements.continue_loop,
        ast.Pass: statements.pass_statement,
        ast.Delete: assignment.deletion,
        ast.Global: statements.sharing,
        ast.Nonlocal: statements.sharing,
        ast.Assert: exceptions.assertion,
        ast.Raise: exceptions.raising,
        ast.Try: exceptions.try_statement,
        ast.With: context_managers.with_block,
        ast.FunctionDef: functions.definition,
        ast.ClassDef: definition.definition,
        ast.Return: functions.return_value,
        ast.Import: imports.import_names,
        ast.ImportFrom: imports.import_names,
    },
    suspending=generator_statements.STATEMENTS,
    names={
        "__name__": "__main__",
        **allowlist.BUILTINS,
        **allowlist.IMPORTED,
        **attribute_functions.FUNCTIONS,
    },
    types=allowlist.TYPES,
    call=calls.apply,
    call_native=definition.call_native,
    initialize=definition.initialize,
)


def interpreter(
    source: Source,
    names: Mapping[str, Any],
    budget: Budget,
    explain: Explain,
    node_type: type[RecordNode] = RecordNode,
) -> Interpreter:
    """Return an interpreter of a program; its arguments are `Interpreter`'s."""
    return Interpreter(LANGUAGE, source, names, budget, explain, node_type)


def source_of(text: str, cells: Sequence[int] = ()) -> Source:
    """Return the checked program of a text; of one with cells a statement may be refused by itself.

    Raises:
        ProgramError: If the text is refused.
    """
    return NotebookSource(text, cells) if cells else Source(text)


def run_program(run: Interpreter, cells: Sequence[int] = (), find_repairs: FindRepairs | None = None) -> None:
    """Run a program and record its torch calls.

    Args:
        run: An interpreter that has run nothing yet; its source is that of `source_of`.
        cells: Lines at which its cells begin. What is refused of a cell, or fails in it, is passed over, and
            what came of it is in the run's `cell_states`. The error of the last one is raised; after one that
            used up the budget, the others get at least half of what it had.
        find_repairs: Finds what could stand in place of a call whose shapes clash.
    """
    run.budget.start()
    if cells:
        cell_run = CellRun(
            run,
            lambda statement: _run_statements(run, [statement], find_repairs),
            partial(_fail_without_steps, run),
        )
        try:
            cell_run.run_cells(cells)
        finally:
            run.cell_states = tuple(cell_run.states)
    else:
        imports.check_members(run, run.source.tree.body)
        _run_statements(run, run.source.tree.body, find_repairs)
    scoped = [node for node in run.recorder.nodes if node.scope]
    plain = {path: scopes.plain_path(path, run.call_counts) for path in {node.scope for node in scoped}}
    for node in scoped:
        node.scope = plain[node.scope]


def _run_statements(run: Interpreter, body: Sequence[ast.stmt], find_repairs: FindRepairs | None) -> None:
    try:
        with run.recording():
            for statement in body:
                run.values.clear()
                run.execute([statement])
    except jumps.JUMPS:
        raise run.error(jumps.MISPLACED, run.current) from None
    except RecursionError:
        message = "the program is nested too deeply to run"
        raise LimitError(message, run.source.span(run.current), run.source.text) from None
    except ShapeError as error:
        if run.failed_call and find_repairs and len(run.cell_errors) < MAX_REPAIRED_CELLS:
            node, operands, names = run.failed_call
            outer, run.names = run.names, names
            try:
                error.repairs = find_repairs(run, node, error, operands)
            finally:
                run.names = outer
        raise


def _fail_without_steps(run: Interpreter, statement: ast.stmt) -> NoReturn:
    """Raise the budget's own error, at a statement."""
    try:
        run.budget.look()
    except ProgramError as error:
        run.fail(error, statement)
    raise AssertionError
