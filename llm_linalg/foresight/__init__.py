"""What a program will surely ask for, known before it is run: it is rehearsed on shapes.

A program that asks for more than its budget is refused when it has asked for it. Until then it may well
have computed all that is allowed, and one that was never to end in time should not take that long to be
refused. So one that turns out to be large is rehearsed from its start, and so is the loop that it is in:

- Calls of torch give tensors without cells (`nowhere`, `hollow`, `results`). They take their part of a budget
  and compute nothing.
  Each knows the calls that a gradient goes back through from it, if it surely has one (`back`, `returning`).
- Plain values are computed (`expressions`, `choices`, `texts`, `calls`). What hangs on a tensor's cells is
  unknown (`unknown`), and what is done to something unknown is unknown too, and takes nothing; of a tensor
  whose shape is unknown each call takes a tensor, though.
- Of two branches between which only the run can decide, the program takes at least what the cheaper one
  takes (`branches`). What they leave behind is known where they agree.
- A loop or a comprehension is gone through turn by turn while that is short (`loops`, `comprehended`).
  From there on one turn stands for all that are left, unless they are few and take few steps: it is gone
  through with what is known of each of them, until a turn changes nothing of that. What it gives to a list,
  each of them gives.
- In that one turn a number or a text that the loop goes through is known for each turn at once, and so is
  what is computed of it (`turns`, `columns`, `by_turn`). Where turns part, at ``if i % 2:`` say, each kind of
  them is gone through once (`parted`). What a loop carries along, such as a counter, is guessed for each
  turn, and proved by induction (`carried`).
- Else a whole number is known by its bounds (`wholes`, `several`): a loop up to it turns at least as often as
  the lower one says, and two that do not meet are compared. Where they leave that open, the loop around is
  gone through in a few pieces, each with closer bounds.

All that is taken is a lower bound of what the run takes, provided that the run does not fail before. So
what is refused here would be refused there. A rehearsal is apart from the run (`start`, `apart`): it changes
nothing of its values, random numbers, gradients or trace.

If that does not tell all that a program does, it is gone through in the dearest case: all branches, the
longest ranges, no loop is left early, and what is not known is as large as the largest of its kind that is
(`least`): a tensor, a product, a list, a text. Nothing is known of a list that may have been changed, and
all of others (`altering`). How long it may be is counted where something is put to it (`lengthening`), and
what else a loop makes larger is measured in its first turns: it grows by as much each turn, or times as
much (`growth`). What fits then may do all that its budget allows. That is no upper bound,
though: whether it does more than was told is looked after. Of anything else so much is done as takes less
than a tenth of a second; it is let free as soon as all that is left of it is known, or if what the turns of
its loops have taken so far tells that it will fit (`paced`, and `pace` in the language), unless a turn may
take more by itself than there is. Who has patience lets it do more.
"""

from __future__ import annotations

from llm_linalg.foresight.back import Recorded as Recorded
from llm_linalg.foresight.rehearsal import Rehearsal as Rehearsal
from llm_linalg.foresight.start import Start as Start
