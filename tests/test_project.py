"""The promises that files make about each other, and the laws of the package."""

import ast
import json
import re
import statistics
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
REPOSITORY = PROJECT["urls"]["Repository"]
EXTRAS = PROJECT["optional-dependencies"]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
README = (ROOT / "README.md").read_text(encoding="utf-8")

# The modules in their order: each may import only those above it.
MODULES = ["device", "workspace", "datasets", "pictures", "photos", "models", "losses", "augment", "checkpoints"]
MODULES += ["diagnosis", "training", "evaluation", "latent", "plots", "sketches", "live", "exports"]

# The Colab runtimes on offer (2026-08); of the past ones only Python, torch and torchvision are recorded.
COLAB = {
    "newest": {
        "python": "3.13.15",
        "torch": "2.11.0",
        "torchvision": "0.26.0",
        "numpy": "2.1.3",
        "matplotlib": "3.10.0",
        "pillow": "11.3.0",
        "ipywidgets": "7.7.1",
        "tqdm": "4.67.3",
        "imageio": "2.37.4",
        "scipy": "1.16.3",
    },
}
for torch, torchvision in (("2.11.0", "0.26.0"), ("2.10.0", "0.25.0"), ("2.9.0", "0.24.0"), ("2.8.0", "0.23.0")):
    COLAB[f"past, torch {torch}"] = {"python": "3.12.0", "torch": torch, "torchvision": torchvision}


# Dependencies


def test_dependencies_are_lower_bounds_only():
    lines = [*PROJECT["dependencies"], *EXTRAS["local"], *EXTRAS["dev"]]
    assert [line for line in lines if not re.fullmatch(r"[a-z0-9-]+>=[\d.]+", line)] == []
    assert re.fullmatch(r">=[\d.]+", PROJECT["requires-python"])


@pytest.mark.parametrize("runtime", COLAB)
def test_installing_into_colab_changes_nothing(runtime):
    there = COLAB[runtime]
    needed = [Requirement(line) for line in PROJECT["dependencies"]]
    needed.append(Requirement("python" + PROJECT["requires-python"]))
    if runtime == "newest":
        assert {requirement.name for requirement in needed} <= set(there)
    assert [str(needs) for needs in needed if needs.name in there and there[needs.name] not in needs.specifier] == []


def lowest_versions(lines: list[str]) -> dict[str, Version]:
    lowest = {}
    for line in lines:
        name, _, version = line.partition(">=")
        lowest[name] = max(lowest.get(name, Version("0")), Version(version))
    return lowest


def test_the_conda_environment_agrees_with_pyproject():
    text = (ROOT / "environment.yml").read_text(encoding="utf-8")
    conda_lines = re.findall(r"^  - ([a-z-]+>=[\d.]+)", text, flags=re.MULTILINE)
    called = {"torch": "pytorch", "matplotlib": "matplotlib-base"}  # conda-forge's names
    everything = PROJECT["dependencies"] + EXTRAS["local"] + EXTRAS["dev"] + ["python" + PROJECT["requires-python"]]
    expected = {called.get(name, name): version for name, version in lowest_versions(everything).items()}
    assert lowest_versions(conda_lines) == expected
    assert f"name: {PROJECT['name']}\n" in text
    assert re.findall(r"^      - (.*?)(?:  #.*)?$", text, flags=re.MULTILINE) == ["-e ."]  # all that pip installs


def test_the_package_imports_quickly():
    """No timing: the slow libraries are just not there after the import."""
    program = "import sys, gans_workshop; print([name for name in sys.argv[1:] if name in sys.modules])"
    slow = ["matplotlib", "ipywidgets", "torchvision"]
    loaded = subprocess.check_output([sys.executable, "-c", program, *slow], cwd=ROOT, text=True)
    assert loaded.strip() == "[]"


# Addresses and links


def pages(*cell_types: str) -> dict[str, str]:
    """What a person reads, by name: the Markdown files, and the cells of the notebooks."""
    folders = (ROOT, ROOT / "presentation", ROOT / "benchmarks")
    files = [path for folder in folders for path in sorted(folder.glob("*.md"))]
    texts = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in files}
    for path in NOTEBOOKS:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        chosen = ["".join(cell["source"]) for cell in cells if cell["cell_type"] in cell_types]
        texts[str(path.relative_to(ROOT))] = "\n\n".join(chosen)
    return texts


def prose() -> dict[str, str]:
    """The same without code and formulas."""
    return {
        page: re.sub(r"```.*?```|`[^`\n]*`|\$[^$]*\$", "", text, flags=re.DOTALL)
        for page, text in pages("markdown").items()
    }


def badge(notebook: Path) -> str:
    place = REPOSITORY.removeprefix("https://github.com/")
    return f"https://colab.research.google.com/github/{place}/blob/main/notebooks/{notebook.name}"


def test_every_mention_of_the_repository_is_the_address_in_pyproject():
    owner, name = REPOSITORY.split("/")[-2:]
    for page, text in pages("markdown", "code").items():
        mentions = re.findall(rf"(?:github\.com|/github|githubusercontent\.com)/([\w.-]+)/{name}\b", text)
        assert set(mentions) <= {owner}, page
    assert f"git clone {REPOSITORY}\n" in README


def test_the_address_stands_in_no_code():
    code = [*ROOT.glob("*.py"), *(ROOT / "gans_workshop").rglob("*.py"), *(ROOT / "tests").glob("*.py")]
    owner = REPOSITORY.split("/")[-2]
    assert [path.name for path in code if f"{owner}/gans-workshop" in path.read_text(encoding="utf-8")] == []


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_each_notebook_has_its_badge_and_installs_this_package(notebook):
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    assert f"]({badge(notebook)})" in "".join(cells[0]["source"])
    assert f"]({badge(notebook)})" in README
    assert f"](notebooks/{notebook.name})" in README
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    for install in re.findall(r"^.*\bpip install\b.*$", "\n".join(code), flags=re.MULTILINE):
        assert f"git+{REPOSITORY}" in install
    if any(re.search(r"^\s*(from|import) gans_workshop\b", cell, flags=re.MULTILINE) for cell in code):
        assert f"git+{REPOSITORY}" in "\n".join(code)


def test_every_badge_opens_a_notebook_that_exists():
    badges = [
        link
        for text in pages("markdown").values()
        for link in re.findall(r"https://colab\.research[^)\s]*\.ipynb", text)
    ]
    assert set(badges) == {badge(notebook) for notebook in NOTEBOOKS}


def test_links_inside_the_repository_resolve():
    broken = []
    for page, text in prose().items():
        links = re.findall(r"\]\(([^)\s]+)[^)]*\)", text) + re.findall(r"<[^>]*(?:src|href)=\"([^\"]+)\"", text)
        inside = [link.partition("#")[0] for link in links if not re.match(r"[a-z]+:|#", link)]
        broken += [f"{page}: {link}" for link in inside if not (ROOT / page).parent.joinpath(link).exists()]
    assert broken == []


def test_every_picture_has_alt_text():
    bare = r"!\[\s*\]\(|<img(?![^>]*alt=\"[^\"])"
    assert [page for page, text in prose().items() if re.search(bare, text)] == []


# The laws of the package

PACKAGE = {path.stem: ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / "gans_workshop").glob("*.py")}


def functions(tree: ast.Module) -> list[ast.FunctionDef]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def length(function: ast.FunctionDef) -> int:
    """Lines from `def` to the end, without the docstring."""
    lines = function.end_lineno - function.lineno + 1
    if ast.get_docstring(function) is not None:
        lines -= function.body[0].end_lineno - function.body[0].lineno + 1
    return lines


def named(problems: dict[str, list]) -> dict[str, list]:
    return {module: found for module, found in problems.items() if found}


def test_the_package_is_thin():
    lines = {
        path.name: len(path.read_text(encoding="utf-8").splitlines()) for path in (ROOT / "gans_workshop").glob("*.py")
    }
    assert {name: count for name, count in lines.items() if count >= 250} == {}
    assert sum(lines.values()) <= 2500  # photos and checkpoints, which lose nothing, need more than was planned
    lengths = [length(function) for tree in PACKAGE.values() for function in functions(tree)]
    assert statistics.median(lengths) < 10
    assert named({m: [f.name for f in functions(tree) if length(f) > 40] for m, tree in PACKAGE.items()}) == {}


def test_functions_take_few_positional_arguments_and_no_unnamed_ones():
    def breaks_the_law(function):
        positional = [a.arg for a in function.args.posonlyargs + function.args.args if a.arg not in ("self", "cls")]
        return len(positional) > 4 or function.args.kwarg is not None

    assert named({m: [f.name for f in functions(tree) if breaks_the_law(f)] for m, tree in PACKAGE.items()}) == {}


def test_classes_derive_from_nothing_but_module_and_namedtuple():
    def bases(tree):
        return [ast.unparse(base) for node in ast.walk(tree) if isinstance(node, ast.ClassDef) for base in node.bases]

    assert {base for tree in PACKAGE.values() for base in bases(tree)} <= {"nn.Module", "NamedTuple"}


def imports_of(tree: ast.Module) -> set[str]:
    """The modules of the package that a module imports, anywhere in it."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("gans_workshop.")}
        elif isinstance(node, ast.ImportFrom):
            name = "." * node.level + (node.module or "")
            if name in (".", "gans_workshop"):
                found |= {alias.name for alias in node.names}
            elif name.startswith((".", "gans_workshop.")):
                found.add(name.removeprefix("gans_workshop").strip(".").split(".")[0])
    return found


def test_modules_import_only_those_above_them():
    modules = {name: tree for name, tree in PACKAGE.items() if name != "__init__"}
    assert set(modules) <= set(MODULES)
    wrong = {name: sorted(imports_of(tree) - set(MODULES[: MODULES.index(name)])) for name, tree in modules.items()}
    assert named(wrong) == {}


def test_imports_are_read_in_every_spelling():
    tree = ast.parse(
        "import gans_workshop.device\nfrom gans_workshop import losses\nfrom gans_workshop.models import G\n"
        "from . import plots\ndef f():\n    from .live import View\nimport torch\nfrom pathlib import Path"
    )
    assert imports_of(tree) == {"device", "losses", "models", "plots", "live"}


def test_google_colab_is_imported_only_inside_functions():
    for name, tree in PACKAGE.items():
        inside = {node for function in functions(tree) for node in ast.walk(function)}
        outside = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
        for node in outside:
            assert node in inside or "google" not in ast.unparse(node), name


def test_the_package_shows_no_figure_by_itself():
    calls = {
        ast.unparse(node.func) for tree in PACKAGE.values() for node in ast.walk(tree) if isinstance(node, ast.Call)
    }
    assert calls.isdisjoint({"plt.show", "pyplot.show", "matplotlib.pyplot.show"})
