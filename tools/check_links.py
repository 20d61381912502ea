"""Ask every address on the pages whether it still answers: python tools/check_links.py [FILE ...]

Without files it looks at all Markdown files, notebooks and slides of the repository. It prints each address that is
broken with the pages where it stands, and ends with 1 if there is one. This needs the internet and is no part of the
tests; .github/workflows/weekly.yml runs it once a week. Only the standard library is used.
"""

import concurrent.futures
import http.client
import json
import re
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SKIP = {".git", ".venv", ".colab-venv", ".pytest_cache", "build", "node_modules", "rehearsal"}
PATIENCE = 20  # seconds for one answer
PAUSES = (0, 2, 10)  # seconds before each try: servers have bad moments
AGAIN = {500, 502, 503, 504}  # answers of such moments
SHY = {401, 403, 405, 406, 418, 429, 999}  # a server that answers no programs tells nothing about its page
BROWSER = {"User-Agent": "Mozilla/5.0 (link check of a workshop's pages)", "Accept": "text/html,*/*"}


def pages():
    """List the Markdown files and notebooks of the repository."""
    found = [path for kind in ("*.md", "*.ipynb") for path in sorted(ROOT.rglob(kind))]
    return [path for path in found if not SKIP & set(path.relative_to(ROOT).parts)] + [ROOT / "LICENSE"]


def prose(path):
    """Return what a person reads on a page: of a notebook the Markdown cells, and no code."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "markdown"]
        text = "\n\n".join("".join(cell["source"]) for cell in cells)
    return re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)


def addresses(text):
    """List the addresses in a text, without the mark that ends a sentence or closes a parenthesis."""
    found = []
    for address in re.findall(r"https?://[^\s<>\"'\]|*]+", text):
        address = address.rstrip(".,;:!?")
        while address.endswith(")") and address.count(")") > address.count("("):
            address = address[:-1].rstrip(".,;:!?")
        found.append(address.partition("#")[0])
    return found


def problem(address):
    """Say what is wrong with an address; '' where it answers, or where its server is shy of programs."""
    said = ""
    for pause in PAUSES:
        time.sleep(pause)
        try:
            with urllib.request.urlopen(urllib.request.Request(address, headers=BROWSER), timeout=PATIENCE):
                return ""
        except urllib.error.HTTPError as error:
            if error.code in SHY:
                return ""
            said = f"{error.code} {error.reason}"
            if error.code not in AGAIN:
                break
        except (OSError, http.client.HTTPException, ValueError) as error:
            said = str(getattr(error, "reason", error)) or type(error).__name__
    return said


def main(names):
    where = {}
    for path in [Path(name) for name in names] or pages():
        for address in addresses(prose(path)):
            where.setdefault(address, set()).add(path.name)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = dict(zip(where, pool.map(problem, where)))
    broken = {address: said for address, said in answers.items() if said}
    for address, said in sorted(broken.items()):
        print(f"{address}\n  {said}; on {', '.join(sorted(where[address]))}")
    print(f"{len(where)} addresses, {len(broken)} of them broken")
    return int(bool(broken))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
