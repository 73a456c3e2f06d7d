"""Archives given to the page: kept beside the index under a safe name, or refused."""

import io
import zipfile

import pytest

from simsearch.errors import SourceError
from simsearch.panels import uploads
from simsearch.panels.uploads import collection_of, folders_in, forget_upload, keep_upload


def archive(**files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        for name, content in files.items():
            made.writestr(name, content)
    return buffer.getvalue()


def test_an_archive_is_kept_beside_the_index_once(tmp_path):
    index, data = tmp_path / "mine", archive(a="b")
    path = keep_upload(index, "apes", data)
    assert path == keep_upload(index, "apes", data)
    assert path.read_bytes() == data
    assert path.name == "apes.zip"
    assert path.parent.parent == tmp_path / ".mine.uploads"
    assert keep_upload(index, "apes", archive(a="c")) != path
    forget_upload(path)
    assert not path.parent.exists()


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "a/b", "a\\b", ".hidden", "a" * 65, "a\nb", "a b", "ä", "-x"]
)
def test_no_name_leads_out_of_the_folder(tmp_path, name):
    with pytest.raises(SourceError, match="is no id of a collection"):
        keep_upload(tmp_path / "mine", name, archive(a="b"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("data", [b"", b"<html>no zip</html>", b"PK\x03\x04 cut"])
def test_what_is_no_archive_is_refused(tmp_path, data):
    with pytest.raises(SourceError, match="no zip archive"):
        keep_upload(tmp_path / "mine", "apes", data)
    assert list(tmp_path.iterdir()) == []


def test_an_archive_that_is_too_large_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(uploads, "MAX_BYTES", 20)
    with pytest.raises(SourceError, match="over the limit of 20"):
        keep_upload(tmp_path / "mine", "apes", archive(a="b"))


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("Cool Apes.zip", "cool-apes"),
        ("punks.ZIP", "punks"),
        ("../../etc/passwd.zip", "etc-passwd"),
        (".zip", "uploaded"),
        ("猫.zip", "uploaded"),
        ("x" * 200 + ".zip", "x" * 64),
    ],
)
def test_a_name_for_the_collection_of_a_file(file, name):
    assert collection_of(file) == name


def test_folders_that_may_be_added(tmp_path):
    root, outside = tmp_path / "allowed", tmp_path / "outside"
    for folder in (root / "b", root / "a", root / ".hidden", outside):
        folder.mkdir(parents=True)
    (root / "file.txt").write_text("x")
    (root / "link").symlink_to(outside)
    assert folders_in([root.resolve()]) == [root, root / "a", root / "b"]
    assert folders_in([]) == []
    assert folders_in([tmp_path / "gone"]) == [tmp_path / "gone"]
