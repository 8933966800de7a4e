"""What stands for a package that is not installed: an error that names it, once it is used."""

from __future__ import annotations

from typing import NoReturn


class MissingPackageError(ImportError):
    """A use of something that could not be imported."""


class MissingPackage:
    """What a name is bound to whose import failed: each use of it raises the error of the import."""

    def __init__(self, path: str, message: str) -> None:
        object.__setattr__(self, "_path", path)
        object.__setattr__(self, "_message", message)

    _path: str
    _message: str

    def __repr__(self) -> str:
        return f"<{self._path}: {self._message}>"

    def _fail(self, *_: object, **__: object) -> NoReturn:
        raise MissingPackageError(self._message, name=self._path)

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):  # whoever asks for these looks for what kind of object it is
            raise AttributeError(name)
        return self._fail()

    __call__ = __getitem__ = __iter__ = __enter__ = __mro_entries__ = __bool__ = __len__ = _fail
    __setattr__ = __setitem__ = __contains__ = __instancecheck__ = _fail
