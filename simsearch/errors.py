"""Every error a caller may catch; each message is one line: what happened, to what, what to do.

SimsearchError
├── UsageError        a wrong flag, value or combination (exit code 2)
├── PictureError      bytes that are no usable picture; ``code`` is the reason code
├── SourceError       a collection folder, table or archive that cannot be read
├── SalesError        a sales file, rate table or currency that cannot be used
├── WeightsError      network weights missing, of the wrong hash or of the wrong shape
├── VectorError       vectors that are not finite, not of unit length or of another width
├── StoreError        an index folder that is missing, damaged, locked or made by something else
└── ItemNotFoundError a key ``collection/token_id`` that the index does not hold
"""


class SimsearchError(Exception):
    """Base of all errors raised on purpose by this package."""


class UsageError(SimsearchError):
    """The request itself is wrong; the command line exits with code 2."""


class PictureError(SimsearchError):
    """Bytes that cannot become a picture.

    Attributes:
        code: reason code written to ``skipped.csv``, e.g. ``truncated`` or ``too-large``.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class SourceError(SimsearchError):
    """A source of items cannot be read at all."""


class SalesError(SimsearchError):
    """Sales or exchange rates cannot be used."""


class WeightsError(SimsearchError):
    """Network weights are missing, damaged or not the ones expected."""


class VectorError(SimsearchError):
    """Vectors that no index takes: not finite, not of unit length, or of another width."""


class StoreError(SimsearchError):
    """An index on disk is missing, damaged, locked, or does not fit this program."""


class ItemNotFoundError(SimsearchError):
    """No item of that key is in the index."""
