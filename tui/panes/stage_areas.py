"""Share the stage: one frame's panels, or those of a failed program beside the last good ones."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rich.cells import cell_len

from tui.layout.arrange import arrange
from tui.layout.pane_sizes import Picture
from tui.layout.values import Layout
from tui.model.frame import Arrangement, Panel
from tui.text.rows import Row, TextSpan

FAILS = "this fails"
LEAST_BESIDE = 20  # columns, for what ran
LABEL_ROLES = {"title": "title", "sign": "label", "window": "dim", "caption": "dim", "edge": "label"}


@dataclass(frozen=True, slots=True)
class StageArea:
    """Some panels in a part of the stage."""

    panels: tuple[Panel, ...]
    layout: Layout
    x: int
    caption: str


def areas(picture: Picture, width: int, height: int) -> list[StageArea]:
    """Return the areas of the stage: the frame's panels, and beside a failed program the last good ones."""
    frame = picture.frame
    if frame is None:
        return []
    good = frame.error.good if frame.error is not None else None
    if frame.error is None or good is None or not good.stage.panels:
        return [_scene(frame.stage.panels, frame.stage.arrangement, 0, width, height, "")]
    if not frame.stage.panels:
        return [
            _scene(good.stage.panels, good.stage.arrangement, 0, width, height - 1, frame.error.good_caption)
        ]
    beside = width // 2 + 1
    failing = _scene(frame.stage.panels, frame.stage.arrangement, 0, beside - 2, height - 1, FAILS)
    run = picture.session.current
    failure = None if run is None else run.failure
    if failure is not None and failure.shows_part and not failing.layout.whole:  # what clashes goes first
        failing = _scene(frame.stage.panels, frame.stage.arrangement, 0, width, height - 1, FAILS)
        beside = max([slot.x + slot.width for slot in failing.layout.slots], default=0) + 2
        if width - beside < LEAST_BESIDE:
            return [replace(failing, caption=f"{FAILS}; esc opens what ran" if failure.ran else FAILS)]
    good_scene = _scene(
        good.stage.panels,
        good.stage.arrangement,
        beside,
        width - beside,
        height - 1,
        frame.error.good_caption,
    )
    return [failing, good_scene]


def _scene(
    panels: tuple[Panel, ...], arrangement: Arrangement, x: int, width: int, height: int, caption: str
) -> StageArea:
    return StageArea(panels, arrange(panels, arrangement, max(1, width), max(1, height)), x, caption)


def labels(shown: list[StageArea], height: int) -> list[Row]:
    """Return the labels of the scenes as rows of the stage."""
    lines: list[list[tuple[int, str, str]]] = [[] for _ in range(height)]
    for scene in shown:
        down = bool(scene.caption)
        if scene.caption:
            lines[0].append((scene.x, scene.caption, LABEL_ROLES["caption"]))
        for label in scene.layout.labels:
            if 0 <= label.y + down < height:
                own = label.kind == "title" and label.panel is not None
                hue = scene.panels[label.panel].hue if own and label.panel is not None else ""
                role = f"{LABEL_ROLES.get(label.kind, 'label')} {hue}".rstrip()
                lines[label.y + down].append((label.x + scene.x, label.text, role))
    return [_row(sorted(line)) for line in lines]


def _row(words: list[tuple[int, str, str]]) -> Row:
    spans: list[TextSpan] = []
    x = 0
    for start, text, role in words:
        if start > x:
            spans.append(TextSpan(" " * (start - x)))
        spans.append(TextSpan(text, role))
        x = max(x, start) + cell_len(text)
    return tuple(spans)
