"""Every notebook in JupyterLab, in a browser: all cells run, live pictures change, every control does something.

The screenshots are kept in rehearsal/jupyterlab/. tests/platforms/browser/lab.mjs steers the browser.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from urllib.error import URLError
from urllib.request import Request, urlopen

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tools import ROOT, SMALL, code_cells, each_notebook, is_watched, load_script, read, shrink

make_slides = load_script("tools/make_slides.py")
LAB = ROOT / "tests" / "platforms" / "browser" / "lab.mjs"
SCREENSHOTS = ROOT / "rehearsal" / "jupyterlab"
TOKEN = "only-this-test"

LONGER = 0.2  # minutes of training instead of seconds: the live view must have something to show on a slow machine too

# Lists that only say what a button or a later cell will do: a choice alone changes nothing.
QUIET = {"rounds", "learn from"}


def browser():
    """Find Chrome, Chromium or Edge as `python workshop.py slides` does; None where there is none."""
    try:
        return make_slides.find_browser()
    except make_slides.workshop.Problem:
        return None


def answers(url):
    try:
        return urlopen(url, timeout=5).status == 200
    except (URLError, OSError):
        return False


@pytest.fixture(scope="module")
def lab(tmp_path_factory, need):
    """Start JupyterLab by the README's command, on a folder of its own; return (address, folder)."""
    need(shutil.which("node"), "Node (nodejs.org)")
    need((ROOT / "presentation" / "node_modules" / "playwright-core").is_dir(), "`npm ci --prefix presentation`")
    need(browser(), "Chrome, Chromium or Edge")
    folder, place = tmp_path_factory.mktemp("notebooks"), tmp_path_factory.mktemp("place")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    kept_apart = {"GANS_WORKSHOP_FILES": "files", "GANS_WORKSHOP_CACHE": "cache", "JUPYTER_CONFIG_DIR": "config"}
    kept_apart |= {"JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTERLAB_WORKSPACES_DIR": "workspaces"}
    command = [sys.executable, ROOT / "workshop.py", "--no-browser", f"--port={port}", "--ServerApp.port_retries=0"]
    command += [f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={folder}"]
    command += ["--LabApp.expose_app_in_browser=True"]  # so that the script can ask the page what has run
    with (place / "log").open("w") as log:
        env = os.environ | {name: str(place / part) for name, part in kept_apart.items()} | {"OMP_NUM_THREADS": "1"}
        server = subprocess.Popen(command, env=env, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        end = time.monotonic() + 300
        while not answers(f"{url}/api"):
            assert server.poll() is None and time.monotonic() < end, (place / "log").read_text()[-2000:]
            time.sleep(0.5)
        yield url, folder
    finally:
        if server.poll() is None and answers(f"{url}/api"):
            urlopen(Request(f"{url}/api/shutdown", method="POST", headers={"Authorization": f"token {TOKEN}"}))
        server.wait(timeout=60)


@pytest.fixture
def look(lab):
    """Return a function that runs a notebook in the browser: -> (what was seen, the notebook as it was saved)."""
    url, folder = lab

    def run(book, name):
        shots = SCREENSHOTS / name
        shutil.rmtree(shots, ignore_errors=True)
        shots.mkdir(parents=True)
        nbformat.write(book, folder / f"{name}.ipynb")
        task = {"url": url, "token": TOKEN, "notebook": f"{name}.ipynb", "folder": str(shots)}
        command = ["node", LAB, json.dumps(task | {"browser": browser(), "quiet": sorted(QUIET)})]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=1200)
        assert done.returncode == 0, done.stderr[-3000:]
        print(done.stderr)
        print(f"screenshots: {shots}")
        (shots / "seen.json").write_text(done.stdout, encoding="utf-8")
        return json.loads(done.stdout), folder / f"{name}.ipynb"

    return run


def problems(seen, path):
    """List in words what a person would complain about."""
    book = read(path)
    sources = {cell.id: cell.source for cell in code_cells(book)}
    assert {cell["id"] for cell in seen["cells"]} == set(sources)
    with_controls = {control["cell"] for control in seen["controls"]}  # their pictures wait for a person
    found = []
    for cell in seen["cells"]:
        frames = seen["frames"].get(cell["id"], [])
        watched = is_watched(sources[cell["id"]]) or (frames and cell["id"] not in with_controls)
        found += [f"{cell['id']}: {error}" for error in cell["errors"]]
        if not cell["count"] and sources[cell["id"]].strip():
            found.append(f"{cell['id']}: did not run")
        elif watched and len(set(frames)) < 2:
            found.append(f"{cell['id']}: the live view did not change")
        elif watched and not cell["pictures"]:
            found.append(f"{cell['id']}: the live view left no plain picture")
    found += seen["broken"]
    for control in seen["controls"]:
        if not control["changed"] and control["label"] not in QUIET:
            found.append(f"{control['cell']}: the {control['kind']} '{control['label']}' changes nothing")
    found += [f"this picture is empty: {name}" for name in seen["emptyPictures"]]
    found += [f"this formula is broken: {text}" for text in seen["brokenFormulas"]]
    found += [f"the page itself failed: {error}" for error in seen["pageErrors"]]
    if "widgets" in book.metadata:
        found.append("the saved notebook keeps the state of widgets")
    if path.stat().st_size > 12e6:  # untrained fakes are grain, which no PNG makes small
        found.append(f"the saved notebook has grown to {path.stat().st_size / 1e6:.1f} MB")
    return found


@each_notebook
def test_works_in_jupyterlab(path, look):
    sizes = {name: LONGER if name == "MINUTES" else value for name, value in SMALL[path.name].items()}
    seen, saved = look(shrink(read(path), sizes), path.stem)
    assert problems(seen, saved) == []
    source = "\n".join(cell.source for cell in code_cells(read(saved)))
    sliders = [control for control in seen["controls"] if control["kind"] == "slider"]
    assert bool(sliders) == bool(re.search(r"Slider\(|interact\([^)]*=\(", source)), "the sliders are there"


FROZEN = """
import io
import ipywidgets as widgets
import matplotlib.pyplot as plt

def picture(number):
    fig, ax = plt.subplots(figsize=(2, 1))
    plt.close(fig)
    ax.set_title(number)
    return fig

file = io.BytesIO()
picture(1).savefig(file)
def train(watch):
    display(watch)

train(watch=widgets.Image(value=file.getvalue()))
"""
IDLE = "idle = widgets.interactive(lambda number: picture(number), number=widgets.IntSlider(3))\nidle"
GOOD = "widgets.interact(lambda number: picture(number), number=widgets.IntSlider(3));"
GONE = """
view = {"version_major": 2, "version_minor": 0, "model_id": "gone"}
display({"application/vnd.jupyter.widget-view+json": view, "text/plain": "gone"}, raw=True)
"""


def test_a_broken_notebook_is_found_out(look):
    """Each kind of trouble once, beside a slider that does its work: without this the test above might see nothing."""
    sources = {"frozen": FROZEN, "idle": IDLE, "good": GOOD, "gone": GONE, "error": "1 / 0", "never": "2"}
    cells = [new_code_cell(source, id=name) for name, source in sources.items()]
    cells += [new_markdown_cell(r"$\frac{1}$ and ![a torn picture](data:image/png;base64,iVBORw0KGgo=)", id="text")]
    kernel = {"name": "python3", "display_name": "Python 3"}
    found = problems(*look(new_notebook(cells=cells, metadata={"kernelspec": kernel}), "broken-on-purpose"))
    expected = [
        "frozen: the live view did not change",
        "error: ZeroDivisionError: division by zero",
        "never: did not run",
        "gone: a widget is missing: ",
        "idle: the slider 'number' changes nothing",
        "this picture is empty: a torn picture",
        "this formula is broken: ",
    ]
    assert len(found) == len(expected), found
    assert [(problem, start) for problem, start in zip(found, expected) if not problem.startswith(start)] == []
