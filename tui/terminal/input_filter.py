"""Make what comes from the terminal harmless before it is parsed for keys: bytes in, text out."""

from __future__ import annotations

import re
import sys
from codecs import getincrementaldecoder

PASTE = 20_000  # characters of a paste that are kept
START, END = b"\x1b[200~", b"\x1b[201~"
ESCAPE = b"\x1b"
PICTURE = "␛".encode()  # of an escape in a paste: as itself, what follows would be read for keys
# The oldest mouse report: three bytes, each of which may be anything from 32 on. A terminal that falls back
# to it (tmux does, attached again) would end a decoder of UTF-8.
X10 = re.compile(rb"\x1b\[M([\s\S])([\s\S])([\s\S])")
# What a terminal answers to a question about its colours.
ANSWER = re.compile(rb"\x1b\][0-9;:?a-zA-Z/#]{1,100}(?:\x07|\x1b\\)")
# Any string of the terminal's: what it tells of itself, of the clipboard, of a picture.
STRING = re.compile(rb"\x1b[P\]X^_][^\x00-\x1f\x7f]*(?:\x07|\x1b\\)")
STRING_END = re.compile(rb"\x07|\x1b\\|(?=[\x00-\x1f\x7f])")
# A report that no key is, and of which Textual, which knows none of them, would make keys.
REPORT = re.compile(
    rb"\x1b\[(?:[?>=][\d;:]*[a-zA-Z]|\d[\d;:]*[cnx]|(?!48;)\d[\d;:]*t"
    rb"|[0-?]*[ -#%-/]+[@-~]|[0-?]{61,}[ -/]*[@-~])"
)
LONGEST = 200  # bytes after which what begins as one is no key and what was typed after it
PAUSES = 10  # silences after which the rest of what no key begins with is waited for no more
MOST = 65_535  # rows, columns, pixels: what Textual takes for a report has 32 characters at most
# Its size, told unasked: rows, columns, and both in pixels, for a mouse that is reported in pixels.
RESIZE = re.compile(rb"\x1b\[48;(\d{1,9})[:\d]*;(\d{1,9})[:\d]*;(\d{1,9})[:\d]*;(\d{1,9})[:\d]*t")
# A key with numbers: its code point, its modifiers, its text, and behind colons what else it might be.
KEY = re.compile(rb"\x1b\[([\d;:\x80-\xff]{1,60})([u~ABCDEFHPQRS])")
CUT = re.compile(rb"\x1b(?:\[(?:M[\s\S]{0,2}|[<-?]?[\d;:\x80-\xff]*[ -/]*)|[P\]X^_][^\x00-\x1f\x7f]*\x1b?)\Z")
# What begins so is no key with alt, and no escape with keys after it: its rest is waited for.
LATE = re.compile(rb"\x1b(?:\[[0-?]|P[ -?]|\][\dlL]|_G|[X^][ -~])")
# A string that something else breaks off.
BROKEN = re.compile(rb"\x1b[P\]X^_][^\x00-\x1f\x7f]*(?=[\x00-\x1f\x7f])(?!\x07|\x1b(?:\\|\Z))")
RELEASE, MOTION = 3, 32
CAPS_LOCK = b"\x1b[57358u"
TEXT = 2  # the place of the text among a key's numbers, which has one for each character


class InputFilter:
    """Bytes to text: old mouse reports made new, a huge paste cut, what is no UTF-8 replaced.

    Strings of the terminal's, asked for or not, are taken out, in as many pieces as they come.

    Attributes:
        cut: whether a paste was cut, once a paste; whoever tells of it sets it back.
        expecting: whether a question was put: an escape alone may be an answer's first half, once.
        answers: what the terminal answered; whoever takes them empties it.
        without_pixels: whether the terminal told its size without pixels; whoever notes it sets it back.
    """

    def __init__(self) -> None:
        self._decode = getincrementaldecoder("utf-8")("replace").decode
        self._rest = b""
        self._told = False  # the first byte of the rest, an escape, was given already: it may be a key
        self._skipping = 0  # silences for which the rest of a string is still waited for; 0 outside of one
        self._silences = 0  # for which the rest of what is held back was waited for
        self._begun = b""  # what a silence made a key, though it may begin an answer
        self._room: int | None = None  # what is left of a paste; None outside of one
        self._over = False  # whether this paste has been cut already
        self._button = 0  # the one that was pressed last: the oldest report of a release names none
        self.cut = False
        self.expecting = False
        self.answers: list[bytes] = []
        self.without_pixels = False

    @property
    def waiting(self) -> bool:
        """Whether bytes are held back: the first half of something."""
        return bool(self._rest)

    def feed(self, data: bytes) -> str:
        """Return the text of these bytes."""
        data, self._rest = self._rest + data, b""
        if self._skipping:
            data = self._skip(data)
        late = self._begun + data if self._begun else b""
        if LATE.match(late) and (whole := STRING.match(late) or REPORT.match(late)):
            self.answers += ANSWER.findall(whole[0])
            data = late[whole.end() :]
        broken = BROKEN.match(data) if self._silences else None
        self._silences, self._begun = 0, b""
        self._told = self._told and not (broken or STRING.match(data))
        data = data[broken.end() :] if broken else data
        parts: list[bytes] = []
        while data:
            data = self._paste(data, parts) if self._room is not None else self._keys(data, parts)
        given = b"".join(parts)
        if given and self._told:
            given, self._told = given.removeprefix(ESCAPE), False
        if given.endswith(ESCAPE) and not self._rest:  # a key, or what follows is split right after it
            self._rest, self._told = ESCAPE, True
        return self._decode(given)

    def _skip(self, data: bytes) -> bytes:
        """Return what follows the string that is being skipped."""
        end = STRING_END.search(data)
        if end is None or data[end.start() :] == ESCAPE:  # perhaps the first half of its end
            self._rest = b"" if end is None else ESCAPE
            return b""
        self._skipping = 0
        return data[end.end() :]

    def flush(self) -> str:
        """Return what was held back, since nothing followed: a key that begins like something longer.

        What no key begins with is held on for a second, and is then dropped. An escape may be one.
        """
        if self._skipping:
            self._skipping -= 1
            return ""
        if LATE.match(self._rest):
            self._silences += 1
            if self._silences < PAUSES:
                return ""
            self._rest = b""
        self._silences = 0
        self._begun = self._rest or self._begun
        rest, self._rest = self._rest[self._told :], b""
        self._told = False
        self.expecting = self.expecting and not rest
        return self._decode(rest)

    def _keys(self, data: bytes, parts: list[bytes]) -> bytes:
        before, start, after = data.partition(START)
        self.answers += ANSWER.findall(before)
        # Enter, typed while the terminal still made lines of what is typed: before the app was there.
        kept = X10.sub(self._newer, STRING.sub(b"", before)).replace(b"\n", b"\r")
        kept = REPORT.sub(b"", kept)
        kept = KEY.sub(_readable_key, RESIZE.sub(self._with_pixels, kept))
        if start:
            parts += (kept, start)
            self._room, self._over = PASTE, False
            return after
        held = CUT.search(kept) or _tail(kept, START, 3)
        if held is None and self.expecting:
            held = _tail(kept, START, 1)
        if held is not None:
            self._rest, kept = kept[held.start() :], kept[: held.start()]
        if len(self._rest) > LONGEST:
            self._skipping, self._told = PAUSES, False
            self._rest = ESCAPE if self._rest.endswith(ESCAPE) else b""
        parts.append(kept)
        return b""

    def _newer(self, report: re.Match[bytes]) -> bytes:
        """Return the report as terminals of today write it; nothing for one that can't be."""
        code, x, y = (byte[0] - 32 for byte in report.groups())
        if code < 0 or x < 1 or y < 1:
            return b""
        released = code & RELEASE == RELEASE and code < MOTION
        if released:
            code += self._button - RELEASE
        elif code < MOTION:
            self._button = code & RELEASE
        return b"\x1b[<%d;%d;%d%s" % (code, x, y, b"m" if released else b"M")

    def _with_pixels(self, report: re.Match[bytes]) -> bytes:
        """Return a report of a size such that the place of the mouse can be divided by it.

        The protocol allows zeros for pixels that nobody knows. Then a cell counts as one.
        """
        rows, columns, height, width = (min(int(number), MOST) for number in report.groups())
        if not rows or not columns:
            return b""
        if not height or not width:
            self.without_pixels = True
            height, width = rows, columns
        return b"\x1b[48;%d;%d;%d;%dt" % (rows, columns, height, width)

    def _paste(self, data: bytes, parts: list[bytes]) -> bytes:
        inside, end, after = data.partition(END)
        if not end:
            held = _tail(inside, END, 1)
            if held is not None:
                self._rest, inside = inside[held.start() :], inside[: held.start()]
        inside = inside.replace(ESCAPE, PICTURE)
        room = self._room or 0
        parts.append(inside[:room])
        if len(inside) > room and not self._over:
            self.cut = self._over = True
        self._room = max(0, room - len(inside))
        if end:
            parts.append(end)
            self._room = None
        return after


def _is_character(number: int) -> bool:
    """Return whether there is such a code point, and it is no half of another, which no text can hold."""
    return number <= sys.maxunicode and not 0xD800 <= number < 0xE000


def _readable_key(key: re.Match[bytes]) -> bytes:
    """Return a key as Textual reads it; one without a meaning for a number that is no character's."""
    fields = [
        field.partition(b":")[0] if place < TEXT else field for place, field in enumerate(key[1].split(b";"))
    ]
    numbers = [number for field in fields for number in field.split(b":") if number]
    if all(number.isdigit() and _is_character(int(number)) for number in numbers):
        return b"\x1b[%s%s" % (b";".join(fields), key[2])
    return CAPS_LOCK  # and not nothing, or what is around it might become a key


def _tail(data: bytes, mark: bytes, least: int) -> re.Match[bytes] | None:
    """Return the end of `data` that may be the beginning of `mark`, at least so many bytes of it."""
    for size in range(len(mark) - 1, least - 1, -1):
        if data.endswith(mark[:size]):
            return re.compile(re.escape(mark[:size]) + rb"\Z").search(data)
    return None
