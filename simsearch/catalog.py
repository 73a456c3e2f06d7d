"""Items and where their pictures lie: the table whose row i is vector row i."""

from dataclasses import dataclass, field

Trait = tuple[str, str]


@dataclass(frozen=True)
class Picture:
    """Where one encoded picture lies; nothing is read until ``images.PictureReader`` is asked.

    Attributes:
        kind: ``file`` (path is the picture), ``zip`` (member is a name inside the archive at path),
            ``tile`` (member is ``<width>x<height>+<number>`` in the sheet at path) or ``inline``
            (member is the row number of the table at path, ``data`` its bytes).
        path: absolute path of the file that holds the picture.
        member: place inside that file, empty for ``file``.
        background: colour put behind transparent pixels, ``#rrggbb``; empty means white.
        data: the bytes of an ``inline`` picture; never stored in the catalog.
    """

    kind: str
    path: str
    member: str = ""
    background: str = ""
    data: bytes = field(default=b"", repr=False, compare=False)


@dataclass(frozen=True)
class Item:
    """One token: its key, its picture and what is known of it."""

    collection: str
    token_id: str
    picture: Picture
    traits: tuple[Trait, ...] = ()
    split: str = ""

    @property
    def key(self) -> str:
        """``collection/token_id``, the name of the item outside the index."""
        return f"{self.collection}/{self.token_id}"


@dataclass(frozen=True)
class Skipped:
    """Something that was left out: which source, a reason code, a sentence for people."""

    source: str
    code: str
    message: str
