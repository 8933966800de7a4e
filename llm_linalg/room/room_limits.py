"""What a room allows: how long, how much, and which folder may be read."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 2**20
SECONDS = 2.0  # of a program, by the clock
GRACE = 0.2  # seconds from the signal that raises in the program to the one that ends it
ANSWER_SECONDS = 2.0  # of a request to a program that has ended
TOO_LONG = "it takes too long"  # what is answered to one that takes longer
LOG_SIZE = 2**30  # bytes of the memory that is shared; taken as it fills
MOST_REQUEST = 2**24  # bytes of a request
MOST_ANSWER = 2**20  # bytes of an answer
USUAL = 0  # the number of all orders of children with the usual limits
OPEN_FILES = 64
STACK = 8 * MIB


@dataclass(frozen=True, slots=True)
class RoomLimits:
    """What a child is locked with.

    Attributes:
        memory: Bytes that it may take beyond what it has when it is locked.
        processor: Seconds of processor time, whatever the clock says.
        read: The folder that it may read; none if empty.
    """

    memory: int = 2048 * MIB
    processor: int = 600
    read: str = ""
