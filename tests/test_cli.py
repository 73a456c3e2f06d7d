"""The command line as a whole: help, exit codes, one-line errors, imports, what it prints."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest
from PIL import Image

from simsearch import cli
from simsearch.cli import console
from simsearch.cli.commands import LazyGroup, simsearch
from simsearch.encoders import encoder_names
from simsearch.engine import SPACES
from simsearch.index import KINDS
from simsearch.store import store

ROOT = Path(__file__).parents[1]
SLOW = {"torch", "torchvision", "pandas", "sklearn", "scipy", "streamlit", "matplotlib", "jinja2"}


def commands(group: LazyGroup = simsearch, path: tuple[str, ...] = ()):
    """Every command with the words that call it."""
    yield path, group
    for name in group.places:
        found = group.get_command(click.Context(group), name)
        if isinstance(found, LazyGroup):
            yield from commands(found, (*path, name))
        else:
            yield (*path, name), found


COMMANDS = dict(commands())
by_command = pytest.mark.parametrize("words", COMMANDS, ids=" ".join)


def started(*args: str, **more) -> subprocess.Popen[str]:
    """The command line in a process of its own."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), **more.pop("env", {})}
    settings = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **more}
    return subprocess.Popen([sys.executable, "-m", "simsearch", *args], env=env, **settings)


def ran(*args: str, **more) -> tuple[int, str, str]:
    process = started(*args, **more)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def loaded(*args: str) -> set[str]:
    """Top-level modules that a command line imports."""
    command = [sys.executable, "-X", "importtime", "-m", "simsearch", *args]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=env)
    return {line.rpartition("|")[2].strip().split(".")[0] for line in done.stderr.splitlines()}


@by_command
def test_every_help_ends_with_an_example(words, capsys):
    assert cli.run([*words, "--help"]) == 0
    text = capsys.readouterr().out
    lines = text.partition("\nExample:\n")[2].splitlines()
    assert lines
    assert all(line.startswith("  ") for line in lines)
    assert any(" ".join(("simsearch", *words)) in line for line in lines)
    assert text.startswith(f"Usage: {' '.join(('simsearch', *words))}")


@by_command
def test_every_command_says_in_a_list_what_it_does(words):
    assert COMMANDS[words].get_short_help_str(100).endswith((".", "?"))


@by_command
def test_a_command_has_no_option_twice(words):
    names = [name for param in COMMANDS[words].params for name in param.opts]
    assert sorted(names) == sorted(set(names))


def test_no_command_shows_help(capsys):
    assert cli.run([]) == 0
    assert "Usage: simsearch" in capsys.readouterr().out


def test_commands_that_do_not_exist_yet_are_not_listed(capsys):
    cli.run(["--help"])
    listed = re.findall(r"^  (\w+)  ", capsys.readouterr().out, re.MULTILINE)
    assert listed == list(simsearch.places)


def test_choices_are_those_of_the_library():
    build = {param.name: param for param in COMMANDS["index", "build"].params}
    assert tuple(build["kind"].type.choices) == ("auto", *KINDS)
    assert list(build["space"].type.choices) == list(SPACES)
    assert build["encoder"].default == encoder_names()[0]
    assert all(name in build["encoder"].help for name in encoder_names())
    query = {param.name: param for param in COMMANDS["query",].params}
    assert list(query["space"].type.choices) == list(SPACES)


def test_help_and_version_import_little():
    assert not loaded("--help") & (SLOW | {"numpy", "rich", "PIL", "faiss", "openvino", "pyarrow"})
    assert not loaded("--version") & {"numpy", "rich"}


@pytest.mark.parametrize("more", [["--json"], [], ["--space", "traits"], ["--sheet", "a.png"]])
def test_a_query_imports_nothing_slow(sample_index, more, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = loaded("query", str(sample_index.picture), "--index", str(sample_index.folder), *more)
    assert {"faiss", "openvino", "pyarrow"} <= found
    assert not found & SLOW


@pytest.mark.parametrize(
    ("args", "code", "part"),
    [
        (["fly"], 2, "No such command 'fly'. See 'simsearch --help'."),
        (["index"], 2, "Missing command. See 'simsearch index --help'."),
        (["index", "build", "."], 2, "Missing option '--out'. See 'simsearch index build --help'."),
        (["query"], 2, "Missing argument 'PICTURE...'."),
        (["query", "a.png", "-k", "0"], 2, "'-k'"),
        (["query", "a.png", "--index", "nowhere"], 1, "nowhere: no index here; make one: "),
        (["query", "a.png"], 2, "No index: give --index INDEX or set SIMSEARCH_INDEX"),
        (["query", "a.png", "--json", "no/folder.json"], 2, "no folder no; make it first"),
        (["index", "info", "nowhere"], 1, "nowhere: no index here; make one: "),
        (["index", "verify", "nowhere"], 1, "nowhere: no index here"),
        (["index", "add", "nowhere", "."], 1, "nowhere: no index here"),
        (["index", "remove", "nowhere", "a/1"], 1, "nowhere: no index here"),
        (["index", "build", "nowhere", "--out", "i"], 1, "nowhere: no such file or folder"),
        (["index", "build", ".", "--out", "i", "--encoder", "vgg99"], 2, "'vgg99'; choose from"),
        (["index", "build", ".", "--out", "i", "--layer", "fc1"], 2, "vgg16-nft has no --layer"),
        (["index", "build", ".", "--out", "i", "--rates", "no.csv"], 1, "no.csv: no such file"),
        (["weights", "path", "vgg99"], 2, "choose from vgg16-nft, vgg16"),
        (
            ["index", "build", ".", "--out", "i", "--seed", "-1"],
            2,
            "-1 is not in the range 0<=x<=4294967295",
        ),
        (["query", "a.png", "--sheet", "no/a.png"], 2, "no folder no; make it first"),
        (["query", "a.png", "--sheet", "."], 2, "--sheet .: is no sheet and stays as it is"),
        (["query", "a.png", "--sheet", "a.png"], 2, "is no sheet and stays as it is"),
        (["sample", "s", "--size", "3"], 2, "ask for 20"),
        (["sample", "s", "--collection", "apes"], 2, "choose of lighthouses"),
    ],
)
def test_errors_are_one_line_and_an_exit_code(args, code, part, capfd, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SIMSEARCH_INDEX", raising=False)
    assert cli.run(args) == code
    out, err = capfd.readouterr()
    assert out == ""
    lines = [line for line in err.splitlines() if not line.endswith("…")]
    assert len(lines) == 1
    assert lines[0].startswith("error: ")
    assert part in lines[0]


def test_an_error_nobody_foresaw_is_one_line_too(monkeypatch, capsys):
    def fail(*_: object) -> None:
        raise ZeroDivisionError("by\nnought")

    monkeypatch.setattr(store, "read_whole", fail)
    assert cli.run(["index", "info", "x"]) == 1
    line = capsys.readouterr().err
    assert line.startswith("error: unexpected ZeroDivisionError: by nought; ")
    assert "SIMSEARCH_DEBUG=1" in line
    monkeypatch.setenv("SIMSEARCH_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        cli.run(["index", "info", "x"])


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (PermissionError(13, "Permission denied", "x/y"), "error: x/y: Permission denied\n"),
        (MemoryError(), "error: out of memory; close other programs, or use fewer --workers\n"),
    ],
)
def test_errors_of_the_system_are_one_line(error, line, monkeypatch, capsys):
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(store, "read_whole", fail)
    assert cli.run(["index", "info", "x"]) == 1
    assert capsys.readouterr().err == line


def test_an_interrupt_that_a_library_made_an_error_of_is_still_one(monkeypatch, capsys):
    def fail(*_: object) -> None:
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt:
            raise ImportError("half imported")  # noqa: B904

    monkeypatch.setattr(store, "read_whole", fail)
    assert cli.run(["index", "info", "x"]) == 130
    assert capsys.readouterr().err == "error: interrupted\n"


def test_a_process_ends_with_the_code_and_without_a_traceback(tmp_path):
    code, out, err = ran("index", "info", "nowhere", cwd=tmp_path)
    assert (code, out) == (1, "")
    assert err.startswith("error: nowhere: no index here")
    assert err.count("\n") == 1
    assert ran("fly", cwd=tmp_path)[0] == 2


def _heed_interrupts() -> None:
    """As in the foreground: what runs in the background of a script ignores them."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_an_interrupt_ends_with_130(sample_index, tmp_path):
    (tmp_path / "indexes").mkdir()
    (tmp_path / "indexes" / "mine").symlink_to(sample_index.folder)
    process = started(
        *("query", "-"), stdin=subprocess.PIPE, cwd=tmp_path, preexec_fn=_heed_interrupts
    )
    assert process.stderr.readline() == f"index: {Path('indexes/mine')}\n"
    for _ in range(5):  # a library may swallow the first one, as users know
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=10)
            break
    else:
        process.kill()
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, ""), err
    assert err.strip() == "error: interrupted"


def test_an_interrupted_build_says_what_remains(tmp_path, monkeypatch, capsys):
    from simsearch.building import builder

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    Image.new("RGB", (8, 8)).save(tmp_path / "1.png")
    monkeypatch.setattr(builder, "build", interrupt)
    assert cli.run(["index", "build", str(tmp_path), "--out", str(tmp_path / "i")]) == 130
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("error: interrupted; ")
    assert last.endswith("the same command goes on from there")


def test_a_reader_that_leaves_is_no_trouble(sample_index):
    process = started("query", "teapots/7", "--index", str(sample_index.folder))
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait(timeout=60) in (0, 1)


@pytest.mark.parametrize("closed", ["stdin", "stdout", "stderr"])
def test_a_closed_stream_is_no_trouble(closed, sample_index, monkeypatch):
    monkeypatch.setattr(sys, closed, None)
    asked = "-" if closed == "stdin" else "teapots/7"
    code = cli.run(["query", asked, "--index", str(sample_index.folder), "--json"])
    assert code == (closed == "stdin")  # a closed input holds no picture
    monkeypatch.delattr(sys, closed)


def test_a_terminal_that_knows_ascii_only(tmp_path):
    folder = tmp_path / "täst"
    folder.mkdir()
    for number in range(3):
        Image.new("RGB", (8, 8), (number, 50, 90)).save(folder / f"ünï-{number}.png")
    index = str(tmp_path / "index")
    ascii_only = {"PYTHONIOENCODING": "ascii"}
    source = ("index", "build", str(folder), "--out", index, "--encoder", "pixels")
    code, out, err = ran(*source, env=ascii_only)
    assert (code, "Traceback" in err) == (0, False)
    assert out.isascii()
    for args in (["täst/ünï-1"], [str(folder / "ünï-1.png")]):
        code, out, err = ran("query", *args, "--index", index, env=ascii_only)
        assert (code, err) == (0, "")
        assert out.isascii()
        assert "t?st/?n?-0" in out
    code, out, err = ran("query", "täst/ünï-1", "--index", index, "--json", env=ascii_only)
    assert json.loads(out)["query"] == "täst/ünï-1"  # JSON is UTF-8 whatever the terminal


def test_characters_that_steer_a_terminal_are_not_passed_on():
    assert console.printable("a\x1b[31mb\nc\u202e") == "a�[31mb�c�"


def test_sizes_times_and_counts_are_for_people():
    sizes = [0, 999, 1000, 99_950, 123_456, 1_500_000, 2 * 10**9, 3 * 10**15]
    texts = "0 bytes|999 bytes|1.0 kB|100.0 kB|123 kB|1.5 MB|2.0 GB|3,000 TB"
    assert "|".join(map(console.size_text, sizes)) == texts
    assert [console.seconds_text(t) for t in (0.04, 59.94, 61, 3600)] == [
        *("0.0 s", "59.9 s", "1 min 01 s", "60 min 00 s")
    ]
    assert console.listed([("svg", 2), ("empty", 1200)]) == "1,200 empty, 2 svg"


def test_progress_on_a_terminal_and_in_a_log(monkeypatch, capsys):
    monkeypatch.setattr(console, "_LINE_SECONDS", 0.0)
    with console.stages() as show:
        show.begin("counting")
        show.update(5, 10)
    assert re.fullmatch(
        r"counting …\ncounting 5 of 10 \([\d,]+/s, [\d.]+ s left\)\n", capsys.readouterr().err
    )
    monkeypatch.setenv("FORCE_COLOR", "1")
    with console.stages() as show:
        show.begin("counting")
        show.update(10, 10)
        show.begin("resting")
    shown = capsys.readouterr().err
    assert "counting" in shown
    assert "10/10" in shown
    assert "resting" in shown


def test_json_holds_what_json_cannot(tmp_path):
    import numpy as np

    place = tmp_path / "a.json"
    console.write_json({"n": np.float32(0.5), "path": tmp_path, "half": "\udcff"}, str(place))
    assert json.loads(place.read_bytes()) == {"n": 0.5, "path": str(tmp_path), "half": "\udcff"}
    with pytest.raises(ValueError, match="not JSON compliant"):
        console.write_json(float("nan"), str(place))
