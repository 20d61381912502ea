"""Put the minutes and the memory of the last rehearsal into a CSV.

python workshop.py rehearse && python benchmarks/rehearsal.py "all in one go"
"""

import argparse
import json
from pathlib import Path

from common import ROOT, write_csv


def main():
    """Read what `rehearse` left behind, one file a notebook."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", nargs="?", default="all in one go", help="what to call it")
    parser.add_argument("--folder", type=Path, default=ROOT / "rehearsal")
    options, rows = parser.parse_args(), []
    for path in sorted(options.folder.glob("*.json")):
        found = json.loads(path.read_text(encoding="utf-8"))
        row = {"notebook": found["notebook"], "run": options.run, "minutes": f"{found['minutes']:.1f}"}
        memory = f"{found['peak_mb']:.0f}" if found["peak_mb"] else ""  # Windows does not tell
        rows.append(row | {"peak memory, MB": memory, "verdict": found["verdict"]})
    if not rows:
        raise SystemExit("There is no rehearsal yet: python workshop.py rehearse")
    write_csv("rehearsal", rows, keys=2)


if __name__ == "__main__":
    main()
