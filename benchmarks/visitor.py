"""A visitor of the page without a browser: speaks what the browser speaks to the page's server."""

import time
import urllib.request
import uuid
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.sync.client import connect

_XSRF = "_streamlit_xsrf"
_SECONDS = 60.0
"""An answer that takes longer counts as none."""


class Visitor:
    """One session; not to be shared between threads.

    Attributes:
        html: what the last drawing of the page showed.
        ids: ids of its widgets by the name the page gives them.
    """

    def __init__(self, address: str, query: str = "") -> None:
        self._address, self._query = address, query
        with urllib.request.urlopen(f"{address}/_stcore/health", timeout=_SECONDS) as reply:
            cookies = reply.headers.get_all("Set-Cookie") or []
        self._token = next(one for one in cookies if one.startswith(_XSRF)).split(";")[0]
        self._socket = connect(
            f"ws://{urlsplit(address).netloc}/_stcore/stream",
            subprotocols=["streamlit", self._token.partition("=")[2]],
            additional_headers={"Cookie": self._token},
            max_size=None,
        )
        self._session, self._file = "", None
        self._states: dict[str, WidgetState] = {}
        self.html: list[str] = []
        self.ids: dict[str, str] = {}

    def close(self) -> None:
        """Leave."""
        self._socket.close()

    def draw(self) -> float:
        """Let the page draw itself; returns the seconds until all of it has come."""
        start = time.perf_counter()
        message = BackMsg()
        message.rerun_script.query_string = self._query
        message.rerun_script.widget_states.widgets.extend(self._states.values())
        self._socket.send(message.SerializeToString())
        self.html = []
        for answer in self._answers():
            kind = answer.WhichOneof("type")
            if kind == "new_session":
                self._session = self._session or _session(answer)
            elif kind == "delta":
                self._note(answer.delta)
            elif kind == "script_finished":
                break
        if not self.ids:
            raise SystemExit(f"the page shows no way to ask: {self.html}")
        return time.perf_counter() - start

    def slide(self, name: str, value: float) -> float:
        """Move a slider; returns the seconds until the page is drawn again."""
        state = WidgetState(id=self.ids[name])
        state.double_array_value.data[:] = [value]
        self._states[name] = state
        return self.draw()

    def upload(self, name: str, data: bytes) -> float:
        """Ask with a picture in place of the one before; returns the seconds until the answer."""
        start = time.perf_counter()
        message, request = BackMsg(), uuid.uuid4().hex
        message.file_urls_request.request_id = request
        message.file_urls_request.file_names.append(name)
        message.file_urls_request.session_id = self._session
        self._socket.send(message.SerializeToString())
        place = next(
            answer.file_urls_response.file_urls[0]
            for answer in self._answers()
            if answer.WhichOneof("type") == "file_urls_response"
        )
        self._send("PUT", place.upload_url, name, data)
        state = WidgetState(id=self.ids["files"])
        info = state.file_uploader_state_value.uploaded_file_info.add()
        info.name, info.size, info.file_id = name, len(data), place.file_id
        info.file_urls.CopyFrom(place)
        self._states["files"] = state
        self.draw()
        seconds = time.perf_counter() - start
        if self._file is not None:
            self._send("DELETE", self._file)
        self._file = place.delete_url
        return seconds

    def _answers(self) -> Iterator[ForwardMsg]:
        while True:
            yield ForwardMsg.FromString(self._socket.recv(timeout=_SECONDS))

    def _note(self, delta: Any) -> None:
        element = delta.new_element
        kind = element.WhichOneof("type")
        if kind == "html":
            self.html.append(element.html.body)
        widget = getattr(element, kind, None) if kind else None
        if (found := getattr(widget, "id", "")) and found.startswith("$$"):
            self.ids[found.rpartition("-")[2]] = found

    def _send(self, method: str, path: str, name: str = "", data: bytes | None = None) -> None:
        token = self._token.partition("=")[2]
        headers: Mapping[str, str] = {"Cookie": self._token, "X-Xsrftoken": token}
        body = None
        if data is not None:
            mark = uuid.uuid4().hex
            headers = {**headers, "Content-Type": f"multipart/form-data; boundary={mark}"}
            head = f'Content-Disposition: form-data; name="file"; filename="{name}"'
            body = f"--{mark}\r\n{head}\r\n\r\n".encode() + data + f"\r\n--{mark}--\r\n".encode()
        request = urllib.request.Request(self._address + path, body, headers, method=method)
        with urllib.request.urlopen(request, timeout=_SECONDS) as reply:
            reply.read()


def _session(answer: ForwardMsg) -> str:
    return str(answer.new_session.initialize.session_id)
