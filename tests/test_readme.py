"""What the README says can be typed works as it stands there."""

import io
import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from simsearch import cli
from simsearch.cli.commands import LazyGroup, simsearch
from simsearch.engine import SearchEngine
from simsearch.sources import read_sources

ROOT = Path(__file__).parents[1]
PAGES = ["README.md", "data/README.md", "indexes/README.md"]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def commands(text: str) -> list[list[str]]:
    """Command lines of the project in a text, as words without comments and pipes before them."""
    lines = [line for line in text.splitlines() if re.match(r"( {4}|cat .*\| )?simsearch ", line)]
    words = [shlex.split(line, comments=True) for line in lines]
    return [line[line.index("simsearch") + 1 :] for line in words]


def parsed(words: list[str]) -> click.Context:
    """Read a command line without running it; wrong usage raises."""
    command: click.Command = simsearch
    while isinstance(command, LazyGroup):
        found = command.get_command(click.Context(command), words[0])
        assert found is not None, words
        command, words = found, words[1:]
    return command.make_context(command.name, list(words))


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_a_page_is_right_usage(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = commands((ROOT / page).read_text(encoding="utf-8"))
    assert found or page == "indexes/README.md"
    for words in found:
        parsed([word for word in words if word != "SOURCE..."] + ["x"] * ("SOURCE..." in words))


def test_the_commands_of_the_data_page_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "indexes").mkdir()
    sample, build = commands((ROOT / "data/README.md").read_text(encoding="utf-8"))
    assert cli.run([*sample, "--size", "20", "--collection", "lighthouses"]) == 0
    assert cli.run(build) == 0
    assert cli.run(["query", "lighthouses/7"]) == 0
    assert "lighthouses/7 · 10 nearest of 19 items" in capsys.readouterr().out


def test_the_example_of_a_collection_is_read_as_it_says(sample_index, tmp_path):
    (text,) = blocks("toml")
    source = sample_index.sources / "lighthouses"
    folder = Path(shutil.copytree(source, tmp_path / "lighthouses"))
    (folder / "collection.toml").write_text(text, encoding="utf-8")
    found, expected = read_sources([folder]), read_sources([source])
    assert [one.key for one in found.items] == [one.key for one in expected.items]
    assert [one.traits for one in found.items] == [one.traits for one in expected.items]
    assert len(found.sales) == len(expected.sales)
    assert found.names == expected.names
    assert found.skipped == []


def test_the_document_has_the_keys_that_are_shown(sample_index, capfdbinary):
    (text,) = blocks("json")
    shown = json.loads(text)
    cli.run(["query", "teapots/7", "--index", str(sample_index.folder), "--json"])
    given = json.loads(capfdbinary.readouterr().out)
    assert list(given) == list(shown)
    assert list(given["neighbors"][0]) == list(shown["neighbors"][0])
    assert list(given["neighbors"][0]["traits"][0]) == list(shown["neighbors"][0]["traits"][0])
    assert list(given["timing_ms"]) == list(shown["timing_ms"])
    assert list(given["collection"]) == list(shown["collection"])
    assert list(given["value"]) == list(shown["value"])
    assert list(given["value"]["comparables"][0]) == list(shown["value"]["comparables"][0])


def test_the_python_example_runs(sample_index, tmp_path):
    (code,) = blocks("python")
    (tmp_path / "indexes").mkdir()
    (tmp_path / "indexes" / "mine").symlink_to(sample_index.folder)
    (tmp_path / "pictures").symlink_to(sample_index.sources)
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{code}"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    first, *found = done.stdout.splitlines()
    assert re.fullmatch(r"teapots \d+\.\d+", first)
    assert len(found) == 5
    assert re.match(r"teapots/7 (1\.0|0\.9999)", found[0])


def test_the_examples_that_change_and_ask_an_index_run(
    own_index, sample_index, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "indexes").mkdir()
    own_index.rename(tmp_path / "indexes" / "mine")
    (tmp_path / "pictures").symlink_to(sample_index.sources)
    parts = {part.partition("\n")[0]: part for part in README.split("\n## ")}
    made = commands(parts["Index your own pictures"])
    asked = commands(parts["Ask"])
    assert [words[:2] for words in made[:2]] == [["sample", "pictures"], ["index", "build"]]
    picture = sample_index.picture.read_bytes()
    for words in [*made[2:], *asked]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(picture)))
        assert cli.run(words) == 0, words
    assert (tmp_path / "answer.png").is_file()
    assert SearchEngine.open("indexes/mine").catalog.collections["teapots"] == 19


def test_ci_runs_the_two_commands_of_this_page():
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    wanted = re.findall(r"\$\(readme_line '(.+)'\)", script)
    assert len(wanted) == 2
    for words in wanted:
        (line,) = [line for line in README.splitlines() if words in line]
        assert line.startswith("python3 -m venv .venv && .venv/bin/pip install ")
