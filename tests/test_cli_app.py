"""The command that serves the page: what it refuses, and how its server is set."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from simsearch import cli
from simsearch.cli.app import AppSettings, _server_options

ROOT = Path(__file__).parents[1]
PACKAGED = ROOT / "simsearch" / "panels" / "config.toml"


def options(host: str = "127.0.0.1") -> dict[str, object]:
    return _server_options(AppSettings(index=None, host=host, port=None, allow=()))


def test_both_ways_of_starting_the_page_have_the_same_settings():
    assert (ROOT / ".streamlit" / "config.toml").read_text() == PACKAGED.read_text()


def test_the_server_is_set_for_strangers():
    given = options()
    assert given["server.address"] == "127.0.0.1"
    assert given["server.maxUploadSize"] == 32
    assert given["server.enableXsrfProtection"] is True
    assert given["server.enableCORS"] is True
    assert given["server.enableStaticServing"] is False
    assert given["browser.gatherUsageStats"] is False
    assert given["client.showErrorDetails"] == "none"
    assert given["server.headless"] is True
    assert set(given["server.allowedHosts"]) == {"127.0.0.1", "localhost"}


def test_every_setting_is_one_that_streamlit_knows():
    from streamlit import config

    assert set(options()) <= set(config.get_config_options())


def test_an_address_of_the_operators_choice_may_be_called_by_any_name():
    assert options(host="0.0.0.0")["server.allowedHosts"] == []


def test_a_port_in_use_is_refused_and_left_out_of_the_choice(capsys, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert cli.run(["app", "--port", str(port)]) == cli.USAGE
        monkeypatch.setattr("simsearch.cli.app._FIRST_PORT", port)
        assert options()["server.port"] > port
    assert f"--port {port}: in use" in capsys.readouterr().err


def test_what_is_no_index_is_refused_before_anything_is_served(tmp_path, capsys):
    assert cli.run(["app", "--index", str(tmp_path)]) == cli.FAILED
    assert f"{tmp_path}: no index here" in capsys.readouterr().err


def test_a_host_that_is_none_is_wrong_usage(capsys):
    assert cli.run(["app", "--host", "no such host"]) == cli.USAGE
    assert "--host no such host" in capsys.readouterr().err


def test_it_serves_from_any_folder_until_it_is_interrupted(sample_index, tmp_path):
    port = options()["server.port"]
    command = [sys.executable, "-m", "simsearch", "app", "--port", str(port)]
    served = subprocess.Popen(
        [*command, "--index", str(sample_index.folder)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert served.stderr.readline() == f"http://127.0.0.1:{port} is the page; Ctrl-C ends it\n"
        assert answered(f"http://127.0.0.1:{port}/_stcore/health") == "ok"
        served.send_signal(signal.SIGINT)
        _, said = served.communicate(timeout=30)
    finally:
        served.kill()
    assert served.returncode == cli.INTERRUPTED
    assert "Traceback" not in said


def answered(url: str) -> str:
    """What a server that is starting says at last."""
    for _ in range(300):
        try:
            with urllib.request.urlopen(url, timeout=5) as reply:
                return reply.read().decode()
        except OSError:
            time.sleep(0.1)
    return "nothing"
