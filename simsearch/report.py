"""A result as one HTML page that needs nothing else, with JSON, CSV and PNG beside it.

Every name on the page may come from a stranger's metadata, so everything is escaped, and the page
forbids itself scripts and anything fetched from elsewhere.
"""

import csv
import json
import math
import platform
import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from io import BytesIO, StringIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from simsearch.plots import Chart

Value = str | float | int | bool | None
Row = Mapping[str, Value]
Pick = Callable[[Iterable[float]], float]

_SHOWN_SIDE = 192
_LIBRARIES = ("simsearch", "numpy", "faiss-cpu", "openvino", "torch", "scikit-learn")


@dataclass(frozen=True)
class Shot:
    """A picture with its caption.

    Attributes:
        rgb: uint8 (h, w, 3).
        lines: the caption; the first line is its title.
        good: frame it as right (true), wrong (false) or not at all.
    """

    rgb: NDArray[np.uint8]
    lines: Sequence[str]
    good: bool | None = None

    @property
    def few_colours(self) -> bool:
        """Whether it was drawn pixel by pixel and must not be smoothed."""
        return max(self.rgb.shape) <= _SHOWN_SIDE and bool(Image.fromarray(self.rgb).getcolors(256))

    @property
    def uri(self) -> str:
        """The picture, reduced where it is large, as a data URI."""
        image, file = Image.fromarray(self.rgb), BytesIO()
        image.thumbnail((_SHOWN_SIDE, _SHOWN_SIDE), Image.Resampling.LANCZOS)
        image.save(file, "PNG", optimize=True)
        return "data:image/png;base64," + b64encode(file.getvalue()).decode()


@dataclass(frozen=True)
class Case:
    """One question with its answers."""

    query: Shot
    found: Sequence[Shot]


@dataclass
class Report:
    """A page that grows part by part, in the order of the calls.

    Attributes:
        title: headline of the page.
        command: what a person types to make it again.
        intro: what the page is about, one paragraph.
    """

    title: str
    command: str
    intro: str = ""
    _parts: list[dict[str, object]] = field(default_factory=list, init=False)
    _files: dict[str, bytes] = field(default_factory=dict, init=False)

    def table(
        self,
        title: str,
        rows: Sequence[Row],
        note: str = "",
        best: Mapping[str, Pick] | None = None,
    ) -> None:
        """Add a table, also written as CSV in full precision.

        Args:
            title: its heading, from which the name of the file is made.
            rows: column → value, the columns in order of appearance. Floats are shown with three
                decimals, none and NaN as a dash.
            note: what the columns mean.
            best: column → ``max`` or ``min``: the value to print bold.
        """
        names = list(dict.fromkeys(name for row in rows for name in row))
        bold = {
            name: _best([row.get(name) for row in rows], pick)
            for name, pick in (best or {}).items()
        }
        cells = [[_cell(row.get(name), bold.get(name)) for name in names] for row in rows]
        columns = [
            {"name": name, "number": any(row[place]["number"] for row in cells)}
            for place, name in enumerate(names)
        ]
        slug = self._add("table", title, note, columns=columns, rows=cells, values=list(rows))
        self._files[f"{slug}.csv"] = _csv(names, rows)

    def data(self, name: str, rows: Sequence[Row]) -> None:
        """Add a table that is too long for the page, as ``<name>.csv`` beside it."""
        names = list(dict.fromkeys(name for row in rows for name in row))
        self._files[f"{name}.csv"] = _csv(names, rows)

    def chart(self, title: str, chart: Chart, note: str = "") -> None:
        """Add a chart, also written as PNG."""
        from markupsafe import Markup

        # The one thing taken as it is: matplotlib wrote it and escapes its texts itself.
        slug = self._add("chart", title, note, svg=Markup(chart.svg))  # noqa: S704
        self._files[f"{slug}.png"] = chart.png

    def cases(self, title: str, cases: Sequence[Case], note: str = "") -> None:
        """Add questions with their answers, as pictures."""
        self._add("cases", title, note, cases=list(cases))

    def html(self, made: datetime | None = None) -> str:
        """The page; ``made`` is the time to print, now by default."""
        from jinja2 import Environment, PackageLoader

        pages = Environment(loader=PackageLoader("simsearch", ""), autoescape=True)
        return pages.get_template("report.html").render(
            title=self.title,
            command=self.command,
            intro=self.intro,
            parts=self._parts,
            made=f"{made or datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
            versions=_versions(),
        )

    def document(self) -> dict[str, object]:
        """The page as plain values that JSON holds: what another page shows of it.

        Title, intro, command and parts; each part with its ``kind``, ``title``, ``note`` and
        ``slug``, a table with ``rows`` of column → value, a chart with its ``svg``, cases with
        ``cases`` of a query and what was found, each a picture's ``uri`` and ``lines``.
        """
        parts = [_part_document(part) for part in self._parts]
        return {"title": self.title, "intro": self.intro, "command": self.command, "parts": parts}

    def write(self, folder: Path, result: Mapping[str, object] | None = None) -> Path:
        """Write ``report.html`` with its CSV and PNG files and, where given, ``report.json``.

        Args:
            folder: made where it is missing.
            result: the numbers; what JSON cannot hold as a number becomes null.

        Returns:
            Path of the page.
        """
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in self._files.items():
            (folder / name).write_bytes(content)
        if result is not None:
            (folder / "report.json").write_bytes(_utf8(to_json(result) + "\n"))
        page = folder / "report.html"
        page.write_bytes(_utf8(self.html()))
        return page

    def _add(self, kind: str, title: str, note: str, **content: object) -> str:
        """Append a part; returns its slug, different from all others."""
        slug = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:60] or "part"
        taken = {part["slug"] for part in self._parts} | {"report"}
        numbered = (f"{slug}-{number}" for number in range(2, len(taken) + 3))
        slug = slug if slug not in taken else next(one for one in numbered if one not in taken)
        self._parts.append({"kind": kind, "title": title, "note": note, "slug": slug, **content})
        return slug


def _part_document(part: Mapping[str, object]) -> dict[str, object]:
    content: dict[str, object] = {name: part[name] for name in ("kind", "title", "note", "slug")}
    if part["kind"] == "table":
        content["rows"] = plain(part["values"])
    elif part["kind"] == "chart":
        content["svg"] = str(part["svg"])
    else:
        cases: list[Case] = part["cases"]  # type: ignore[assignment]
        content["cases"] = [
            {"query": _shot_document(case.query), "found": [*map(_shot_document, case.found)]}
            for case in cases
        ]
    return content


def _shot_document(shot: Shot) -> dict[str, object]:
    return {
        "uri": shot.uri,
        "lines": list(shot.lines),
        "good": shot.good,
        "few_colours": shot.few_colours,
    }


def to_json(result: object) -> str:
    """Strict JSON of nested dicts and lists: numpy numbers as numbers, NaN and infinity as null."""
    return json.dumps(plain(result), indent=2, ensure_ascii=False, allow_nan=False)


def plain(value: object) -> object:
    """The same with numbers as JSON has them: Python's own, and NaN and infinity as null."""
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _cell(value: Value, best: float | None) -> dict[str, object]:
    """What the page shows of one value."""
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    return {"text": cell_text(value), "number": number, "best": number and value == best}


def cell_text(value: Value) -> str:
    """A value as tables show it."""
    if value is None or value != value:
        return "–"
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, int | np.integer):
        return f"{value:,}"
    if isinstance(value, float | np.floating):
        return f"{round(float(value), 3) + 0.0:,.3f}"  # + 0.0: no minus before a zero
    return str(value)


def _best(values: Iterable[Value], pick: Pick) -> float | None:
    numbers = [float(value) for value in values if isinstance(value, int | float | np.number)]
    known = [number for number in numbers if number == number]
    return pick(known) if known else None


def _csv(names: Sequence[str], rows: Sequence[Row]) -> bytes:
    file = StringIO(newline="")
    writer = csv.DictWriter(file, names, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return _utf8(file.getvalue())


def _utf8(text: str) -> bytes:
    """UTF-8, half a surrogate pair (JSON metadata may hold one) as a question mark."""
    return text.encode(errors="replace")


def _versions() -> str:
    """Program, libraries and platform in one line; what is not installed is not named."""
    found = [f"Python {platform.python_version()}"]
    for name in _LIBRARIES:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            continue
    return ", ".join(found) + f" on {platform.system()} {platform.machine()}"
