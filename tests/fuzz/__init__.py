"""The tensor language under random programs.

`python -m tests.fuzz` is an optional job for atheris, which looks for bytes that reach new lines of the
language; it is in the extra ``fuzz``. The tests run the same programs from a fixed seed, watched by an audit
hook, in a process of their own.
"""
