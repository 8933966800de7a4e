"""The contexts in which commands do something; several hold at a time."""

from __future__ import annotations

from enum import Enum


class Context(Enum):
    """When a command does something, in words. `Session.contexts` says which hold."""

    EVERYWHERE = "anywhere, the editor included"
    ALWAYS = "anywhere but in the editor"
    RUNNING = "a program has been running for a while"
    DOOR = "the door is shown"
    EDITOR = "the playground's editor has the keys"
    EDITOR_UNLOCKED = "the editor has the keys, and nothing would lock its program in"
    EDITOR_REPAIRS = "the editor has the keys, and its program can be repaired"
    UNLOCKED = "a program is not run, as nothing would lock it in"
    SIDEBAR = "a lesson, or a place in an outline, is being chosen in the sidebar"
    PRESENTATION = "a deck is on stage"
    NO_PRESENTATION = "no deck is on stage"
    PLAYGROUND = "the playground is open, outside its editor"
    LESSON_PROGRAM = "a lesson with a program is open, and not the playground"
    NODE = "a node of a program is shown, or the map of the program"
    STEPS = "what is shown has steps"
    TENSORS = "the tensors of a node are shown, and not the map"
    SLICES = "the result has more than two axes, or heads are of a batch, and a slice of it is shown"
    BACKWARD = "the program has a backward pass"
    GUESS_CHOICE = "one of several choices is asked for"
    GUESS_TEXT = "a number, a shape or a cell is asked for"
    GUESS_CELL = "a cell is asked for, and the cell cursor is on one"
    CURSOR = "the cell cursor is on a cell"
    MASK_CURSOR = "the cell cursor is on a cell of a mask that can be drawn"
    CURSOR_TRAIL = "a cell was followed to where it was made, and there is a way back"
    LINEAGE = "there is a cell whose lineage can be shown"
    MAP = "the map of the program is shown"
    MAP_TABLE = "the map is shown as a table"
    HEADS = "the map, or one's own code, is shown, and there are attention heads"
    DIFFERS = "two traces are compared, and they differ"
    NOT_FINITE = "a number of the program is not finite, and it is not on the stage"
    MAP_LESSONS = "the map is shown, and lessons tell about its boxes"
    BOARD = "a board is shown"
    BOARD_VISIT = "a board opened this lesson, and there is a way back"
    LINKS = "the text has links to lessons"
    LINK_CHOICE = "the lessons that the text links to are offered"
    EXERCISE = "the stop is an exercise, and the cell cursor is off"
    FAILED = "the program failed"
    REPAIRS = "the program failed, and can be repaired"
    UNDO = "there is something to undo"
    REDO = "there is something to do again"
    DEVICES = "the program is one of several devices"
    NAMED_FILES = "the document names files beside it that it may not read"


OFF_STAGE = frozenset(
    {
        Context.LINKS, Context.LINK_CHOICE, Context.BOARD, Context.MAP_LESSONS, Context.BOARD_VISIT,
        Context.SIDEBAR, Context.PLAYGROUND, Context.LESSON_PROGRAM, Context.NO_PRESENTATION, Context.DOOR,
        Context.NAMED_FILES,
    }
)  # fmt: skip
"""Contexts that never hold while a deck is on stage: their commands would lead out of it."""
