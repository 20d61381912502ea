"""Let an outside judge, ckpt-chaos, kill a training at each of its file operations in four ways.

pip install ckpt-chaos
python benchmarks/checkpoint_chaos.py      # some minutes; --max-points 4: a trial
"""

import argparse
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import torch
from checkpoint_game import fingerprint, new_game
from common import write_csv

from gans_workshop import load_digits, train


def play(folder):
    """Save at rounds 4, 8 and 12, and leave the result in result.txt."""
    torch.set_num_threads(1)
    gan = new_game()
    for steps in (4, 8, 12):
        train(gan, load_digits()[0][:100], steps=steps, batch_size=16, checkpoint=folder)
    (folder / "result.txt").write_text(fingerprint(gan))


def main():
    """Play, if a folder is given, as the judge does; or call the judge and write what it says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--max-points", default="400")
    options = parser.parse_args()
    if options.folder:
        return play(options.folder)
    with tempfile.TemporaryDirectory() as base:
        command = [sys.executable, "-m", "ckpt_chaos", "run", "--work", f"{base}/work", "--junit", f"{base}/points.xml"]
        command += ["--modes", "before,torn,term,unsynced", "--max-points", options.max_points, "--jobs", "2"]
        command += ["--step-regex", r"from round (\d+)", "--checkpoint-glob", "{out}/step-*"]
        command += ["--result-file", "{out}/result.txt"]
        command += ["--fail-on", "HARD_FAIL,SILENT_DIVERGENCE,LOST_WORK,CONTROL_FAIL"]
        code = subprocess.run([*command, "--", sys.executable, __file__, "{out}"]).returncode
        points = list(ElementTree.parse(f"{base}/points.xml").iter("testcase"))
    passed = sum(point.find("failure") is None and point.find("error") is None for point in points)
    row = {"tool": "ckpt-chaos", "ways to be killed": 4, "points": len(points), "passed": passed}
    write_csv("checkpoint_chaos", [row])
    sys.exit(code)


if __name__ == "__main__":
    main()
