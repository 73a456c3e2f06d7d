"""Answers as one picture: what ``sheet`` draws, filled with items of an index."""

from collections.abc import Sequence

from simsearch.answer import Answer, Neighbor
from simsearch.engine import SearchEngine
from simsearch.errors import PictureError
from simsearch.images import RGB, load_image
from simsearch.sheet import Captioned, answer_sheet, stacked
from simsearch.sources.reader import PictureReader
from simsearch.wording import sale_text


def sheet(answers: Sequence[Answer], engine: SearchEngine) -> bytes:
    """Answers as one PNG, each below the other; originals where they are still in their place."""
    with PictureReader() as reader:
        return stacked([answer_sheet(*_captioned(one, engine, reader)) for one in answers])


def _captioned(
    answer: Answer, engine: SearchEngine, reader: PictureReader
) -> tuple[Captioned, list[Captioned]]:
    query = answer.query
    rgb = query.rgb if query.row < 0 else picture_of(engine, query.row, reader)
    among = f"{len(answer.neighbors):,} nearest of {answer.among:,} items"
    found: list[Captioned] = [
        (picture_of(engine, one.row, reader), _caption(one)) for one in answer.neighbors
    ]
    return (rgb, [query.name, among]), found


def _caption(found: Neighbor) -> list[str]:
    values = ", ".join(value for _, value in found.traits)
    similarity = f"similarity {1 - found.distance:.3f}"
    return list(filter(None, [found.key, similarity, sale_text(found.last_sale), values]))


def picture_of(engine: SearchEngine, row: int, reader: PictureReader) -> RGB:
    """The original where it can still be read and is the one indexed, else the thumbnail."""
    try:
        encoded = reader.read(engine.catalog.picture(row))
        if encoded.content_hash == engine.catalog.column("content_hash")[row].as_py():
            return encoded.rgb()
    except PictureError:
        pass
    return load_image(engine.thumbnails[row])
