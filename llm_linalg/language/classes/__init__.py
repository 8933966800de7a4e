"""Classes of a program: real Python types whose native methods are this package's own.

A class of the program is a real type, so that Python's protocols, `isinstance` and torch's modules work by
themselves. What the program wrote in it stands in a table of the type, and what it puts on an object in a
table of the object. Python and torch never look there. They find special methods alone (`SPECIAL_METHODS`),
each of them a function of ours that hands the call to the interpreter, within the budget.
"""
