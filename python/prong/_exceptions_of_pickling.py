"""The two exceptions of the tree in _exceptions.py that are also ones of pickle."""

from __future__ import annotations

from _pickle import PicklingError, UnpicklingError

from prong._exceptions import JobError


class EncodingError(JobError, PicklingError):
    """A function, an argument or a result could not be pickled; the text says which."""


class DecodingError(EncodingError, UnpicklingError):
    """A function, an argument or a result could not be unpickled on the other side."""


for _error in (EncodingError, DecodingError):
    _error.__module__ = "prong._exceptions"
