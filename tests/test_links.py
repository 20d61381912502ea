"""The link check finds what is broken and nothing else; it asks a server of our own."""

import http.server
import json
import threading

import pytest

from tools import ROOT, load_script


class Server(http.server.BaseHTTPRequestHandler):
    """Answers as the path says, and notes what was asked for."""

    asked, moments = [], iter(())

    def do_GET(self):
        self.asked.append(self.path)
        name = self.path.strip("/").partition("?")[0]
        status = {"moved": 301, "round": 302, "here": 200}.get(name)
        if name == "moment":
            status = next(self.moments, 200)
        elif name.isdigit():
            status = int(name)
        elif name == "silent":
            self.server.bell.wait(5)
            return
        elif name == "rude":
            self.wfile.write(b"no HTTP at all\r\n\r\n")
            return
        self.send_response(status or 404)
        if status in (301, 302):
            self.send_header("Location", {301: "/here", 302: "/round"}[status])
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def links(monkeypatch):
    """The script, without its patience."""
    script = load_script("tools/check_links.py")
    monkeypatch.setattr(script, "PAUSES", (0, 0, 0))
    monkeypatch.setattr(script, "PATIENCE", 1)
    return script


@pytest.fixture
def server():
    handler = type("Handler", (Server,), {"asked": [], "moments": iter(())})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.handler, server.bell = handler, threading.Event()
    server.address = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.bell.set()
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("here", ""),
        ("moved", ""),
        ("403", ""),  # what a server does to programs says nothing about its page
        ("429", ""),
        ("404", "404 Not Found"),
        ("410", "410 Gone"),
        ("503", "503 Service Unavailable"),
        ("round", "302"),
        ("silent", "timed out"),
        ("rude", "no HTTP at all"),
    ],
)
def test_each_answer_is_understood(links, server, name, words):
    said = links.problem(f"{server.address}/{name}")
    assert words in said and bool(said) == bool(words)


def test_a_bad_moment_is_no_broken_link_and_a_page_that_is_gone_is_asked_once(links, server):
    server.handler.moments = iter([500, 503])
    assert links.problem(f"{server.address}/moment") == ""
    assert server.handler.asked == ["/moment"] * 3
    assert links.problem(f"{server.address}/404")
    assert server.handler.asked.count("/404") == 1


def test_a_machine_that_is_not_there_is_a_problem(links):
    assert "refused" in links.problem("http://127.0.0.1:9/")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("[a](https://a.org/b) and <https://c.org>, see https://d.org/e.", ["a.org/b", "c.org", "d.org/e"]),
        ("(as https://a.org/b_(c) says)", ["a.org/b_(c)"]),
        ("[x](https://a.org/b#part), **https://c.org**", ["a.org/b", "c.org"]),
        ("| https://a.org/b | c |", ["a.org/b"]),
        ('<img src="https://a.org/b.png" alt="c">', ["a.org/b.png"]),
        ("[![badge](https://a.org/b.svg)](https://c.org/d)", ["a.org/b.svg", "c.org/d"]),
        ("mail@a.org, file://b, /c", []),
    ],
)
def test_addresses_are_read_in_every_spelling(links, text, found):
    assert links.addresses(text) == [f"https://{address}" for address in found]


def test_broken_links_are_named_with_their_pages(links, server, tmp_path, capsys):
    page, book = tmp_path / "page.md", tmp_path / "book.ipynb"
    page.write_text(f"[good]({server.address}/here), [gone]({server.address}/404), `{server.address}/410` is code")
    cells = [
        {"cell_type": "markdown", "source": [f"[gone]({server.address}/404)\n", f"{server.address}/moved"]},
        {"cell_type": "code", "source": [f"fetch('{server.address}/410')"]},
    ]
    book.write_text(json.dumps({"cells": cells}))
    assert links.main([page, book]) == 1
    said = capsys.readouterr().out
    assert f"{server.address}/404\n  404 Not Found; on book.ipynb, page.md\n" in said
    assert said.endswith("3 addresses, 1 of them broken\n")
    page.write_text(f"[good]({server.address}/here)")
    assert links.main([page]) == 0


def test_every_page_of_the_repository_is_looked_at(links):
    names = {path.relative_to(ROOT).as_posix() for path in links.pages()}
    decks = {"presentation/gans-with-python.md", "presentation/gans-that-do-as-you-ask.md"}
    assert decks | {"README.md", "notebooks/02_mnist_dcgan.ipynb", "LICENSE"} <= names
    assert not [name for name in names if "node_modules" in name or name.startswith(".venv")]
    total = [address for path in links.pages() for address in links.addresses(links.prose(path))]
    assert len(set(total)) > 30
