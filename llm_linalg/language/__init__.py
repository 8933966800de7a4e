"""The tensor language: a small part of Python, interpreted over torch.

The text is checked against an allow-list of syntax, then its tree is interpreted; names, methods and
attributes come from the project's own tables. Nothing is evaluated as code.
"""
