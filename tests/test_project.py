"""The promises that files make about each other, and the laws of the package."""

import ast
import json
import re
import statistics
from pathlib import Path

import pytest
from packaging.version import Version

import gans_workshop
from gans_workshop.game.gan import PARTS
from gans_workshop.game.notes import NOTES
from tools import NOTEBOOKS, PROJECT, REPOSITORY, ROOT, holds_two_sentences, prose_lines

EXTRAS = PROJECT["optional-dependencies"]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")

# The modules in their order, by their place, such as "files.disk": each may import only those above it.
ROOMS = {
    "files": "disk kinds classes workspace datasets decoding scenes sketches sources mapped photos pairs marks "
    "checkpoints",
    "game": "images labels losses models translation style augment notes gan turns cyclegan training loading",
    "view": "plots lessons diagnosis evaluation latent live exports flatten page",
}
MODULES = ["device", *(f"{room}.{name}" for room, names in ROOMS.items() for name in names.split())]


# Dependencies


def test_dependencies_are_lower_bounds_only():
    lines = [*PROJECT["dependencies"], *EXTRAS["local"], *EXTRAS["dev"]]
    assert [line for line in lines if not re.fullmatch(r"[a-z0-9-]+>=[\d.]+", line)] == []
    assert re.fullmatch(r">=[\d.]+", PROJECT["requires-python"])


def lowest_versions(lines: list[str]) -> dict[str, Version]:
    lowest = {}
    for line in lines:
        name, _, version = line.partition(">=")
        lowest[name] = max(lowest.get(name, Version("0")), Version(version))
    return lowest


def test_the_conda_environment_agrees_with_pyproject():
    text = (ROOT / "environment.yml").read_text(encoding="utf-8")
    conda_lines = re.findall(r"^  - ([a-z0-9-]+>=[\d.]+)", text, flags=re.MULTILINE)
    called = {"torch": "pytorch", "matplotlib": "matplotlib-base"}  # conda-forge's names
    everything = PROJECT["dependencies"] + EXTRAS["local"] + EXTRAS["dev"] + ["python" + PROJECT["requires-python"]]
    expected = {called.get(name, name): version for name, version in lowest_versions(everything).items()}
    assert lowest_versions(conda_lines) == expected
    assert f"name: {PROJECT['name']}\n" in text
    assert re.findall(r"^      - (.*?)(?:  #.*)?$", text, flags=re.MULTILINE) == ["-e ."]  # all that pip installs


def test_the_citation_agrees_with_pyproject():
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    said = {key: value for key, value in re.findall(r'^([a-z-]+): "?(.*?)"?(?:  #.*)?$', text, flags=re.MULTILINE)}
    assert said["version"] == PROJECT["version"]
    assert said["repository-code"] == REPOSITORY
    assert said["license"] == PROJECT["license"].split(" AND ")[0], "the licence of the code"
    assert re.findall(r'^  - name: "(.*)"$', text, flags=re.MULTILINE) == [who["name"] for who in PROJECT["authors"]]
    assert said["cff-version"] == "1.2.0" and said["message"] and said["title"]


def test_the_changelog_says_something_about_what_is_not_released_yet():
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## \[(.*?)\](?: - \d{4}-\d\d-\d\d)?$", changelog, flags=re.MULTILINE)
    assert headings[0] == "Unreleased" and len(headings) == changelog.count("\n## ")
    kinds = set(re.findall(r"^### (.*)$", changelog, flags=re.MULTILINE))
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert f"[Unreleased]: {REPOSITORY}/" in changelog


def test_the_ten_points_are_the_same_in_both_places():
    points = r"(?m)^(?:- \[ \] )?(\d+\. \*\*.*?:\*\*)"
    template = (ROOT / ".github" / "pull_request_template.md").read_text(encoding="utf-8")
    ours, theirs = re.findall(points, CONTRIBUTING), re.findall(points, template)
    assert ours == theirs and len(ours) == 10


def test_the_map_of_the_package_is_the_same_in_both_places():
    rows = re.findall(r"^\| (?:`(\w+)` )?\| `(\w+)` \| (.*) \|$", CONTRIBUTING, flags=re.MULTILINE)
    room, lines = "", []
    for indent, name, words in re.findall(r"^( *)(\w+): (.*)$", ast.get_docstring(PACKAGE["__init__"]), re.MULTILINE):
        if indent or name == "device":
            lines.append((room if indent else "", name, words))
        else:
            room = name
    assert rows == lines
    assert [f"{room}.{name}".strip(".") for room, name, _ in rows] == MODULES


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", ".github/pull_request_template.md"])
def test_each_sentence_has_a_line_of_its_own(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    assert [line for line in prose_lines(text) if holds_two_sentences(line)] == []


# Addresses and links


def pages(*cell_types: str) -> dict[str, str]:
    """What a person reads, by name: the Markdown files, and the cells of the notebooks."""
    folders = (ROOT, ROOT / ".github", ROOT / "presentation", ROOT / "benchmarks")
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
    code = [*ROOT.glob("*.py"), *(ROOT / "gans_workshop").rglob("*.py"), *(ROOT / "tests").rglob("*.py")]
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

FILES = {
    ".".join(path.relative_to(ROOT / "gans_workshop").with_suffix("").parts): path.read_text(encoding="utf-8")
    for path in (ROOT / "gans_workshop").rglob("*.py")
}
PACKAGE = {name: ast.parse(text) for name, text in FILES.items()}


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
    lines = {name: len(text.splitlines()) for name, text in FILES.items()}
    assert {name: count for name, count in lines.items() if count >= 250} == {}
    assert sum(lines.values()) <= 5000  # a sentence for each wrong kind of argument takes room
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
    """What a module imports of the package, anywhere in it, by its place, such as 'files.disk'."""
    found = set()
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{'.' * node.level}{node.module or ''}.{alias.name}" for alias in node.names]
        for name in names:
            if name.startswith((".", "gans_workshop")):
                place = name.removeprefix("gans_workshop").removeprefix(".")
                found.add(next((m for m in MODULES if f"{place}.".startswith(f"{m}.")), place))
    return found


def test_modules_import_only_those_above_them():
    modules = {name: tree for name, tree in PACKAGE.items() if not name.endswith("__init__")}
    assert set(modules) <= set(MODULES)
    wrong = {name: sorted(imports_of(tree) - set(MODULES[: MODULES.index(name)])) for name, tree in modules.items()}
    assert named(wrong) == {}


def test_the_heart_has_few_parameters():
    """At most 12, in all of the package."""

    def count(function):
        arguments = function.args
        return len([a for a in arguments.posonlyargs + arguments.args + arguments.kwonlyargs if a.arg != "self"])

    assert named({m: [f.name for f in functions(tree) if count(f) > 12] for m, tree in PACKAGE.items()}) == {}


def test_the_parts_of_a_gan_and_the_notes_of_a_round_are_named_in_one_place():
    """What keeps a game or trains it knows none of their names."""
    words = {*PARTS, *NOTES, "fixed_z", "detect_rate"} - {"steps"}
    for name in ("files.checkpoints", "game.training"):
        strings = {node.value for node in ast.walk(PACKAGE[name]) if isinstance(node, ast.Constant)}
        attributes = {node.attr for node in ast.walk(PACKAGE[name]) if isinstance(node, ast.Attribute)}
        assert words & (strings | attributes) == set(), name


def test_what_no_page_uses_is_not_on_the_face():
    """Each name of the face is imported by a notebook or a slide."""
    decks = [path.read_text(encoding="utf-8") for path in (ROOT / "presentation").glob("gans-*.md")]
    texts = [text for page, text in pages("code").items() if page.endswith(".ipynb")] + decks
    used = {name for text in texts for name in re.findall(r"\w+", text)}
    assert sorted(set(gans_workshop.__all__) - used) == []


def test_imports_are_read_in_every_spelling():
    tree = ast.parse(
        "import gans_workshop.device\nfrom gans_workshop.game import losses\nfrom gans_workshop.game.models import G\n"
        "def f():\n    from gans_workshop.view.live import View, Film\nimport torch\nfrom pathlib import Path\n"
        "from gans_workshop import GAN\nfrom . import plots\nfrom .room import x"
    )
    modules = {"device", "game.losses", "game.models", "view.live"}
    assert imports_of(tree) == modules | {"GAN", ".plots", "room.x"}, "neither the face nor a relative name is a module"


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


# The laws of the tests

TESTS = {path: ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / "tests").rglob("*.py")}


def test_contributing_names_commands_and_files_that_exist():
    for place in re.findall(
        r"(?<![\w/])((?:tests|tools|benchmarks|presentation|presentation-images)/[\w./-]*)", CONTRIBUTING
    ):
        assert (ROOT / place.rstrip(".")).exists(), place


def imported(tree: ast.Module) -> set[str]:
    """Every name of a module that a file imports: 'a.b' is 'a' and 'a.b'."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {"." * node.level + (node.module or "")}
    return {".".join(name.split(".")[: i + 1]) for name in found for i in range(name.count(".") + 1)}


def test_no_test_imports_from_another_test():
    tests = {path.stem for path in TESTS if path.name.startswith("test_")} | {"conftest", "tests", "runpy", ""}
    assert {path.name: found for path, tree in TESTS.items() if (found := imported(tree) & tests)} == {}


def test_every_spelling_of_such_an_import_is_found():
    for source in ("import test_a", "from test_a import b", "def f():\n    from tests.package.test_a import b"):
        assert imported(ast.parse(source)) & {"test_a", "tests"}
    assert imported(ast.parse("from .test_a import b")) >= {""}


def test_only_their_own_tests_load_benchmarks():
    loads = {path.name for path in TESTS if re.search(r"load_script\(.?.benchmarks", path.read_text(encoding="utf-8"))}
    assert loads == {"test_benchmarks.py"}


def test_every_notebook_has_its_test_file():
    numbers = {path.stem.removeprefix("test_") for path in (ROOT / "tests" / "notebooks").glob("test_[0-9]*.py")}
    assert numbers == {path.stem for path in NOTEBOOKS}


def test_every_module_has_its_test_file():
    modules = {name.split(".")[-1] for name in PACKAGE if not name.endswith("__init__")}
    assert {path.stem.removeprefix("test_") for path in (ROOT / "tests" / "package").glob("*.py")} == modules | {
        "face",
        "view",
    }
