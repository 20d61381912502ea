"""The web page of a trained GAN: it draws what PyTorch draws, does what a person asks, and asks nobody for anything."""

import base64
import html
import io
import json
import re
import shutil
import subprocess
import sys
import types

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from gans_workshop import (
    GAN,
    Discriminator,
    Generator,
    LiveView,
    MLPDiscriminator,
    MLPGenerator,
    save_page,
    show_page,
    train,
)
from gans_workshop.game import translation
from gans_workshop.game.labels import counts
from gans_workshop.game.models import Skip, grow
from tools import ROOT, load_notebook, load_script

make_slides = load_script("tools/make_slides.py")
PAGE = ROOT / "tests" / "platforms" / "browser" / "page.mjs"
PARTS = ROOT / "gans_workshop" / "view" / "page"


@pytest.fixture(scope="session")
def visit(need, tmp_path_factory):
    """Return a function that opens pages in a browser and returns what each job (see page.mjs) has seen."""
    need(shutil.which("node"), "Node (nodejs.org)")
    need((ROOT / "presentation" / "node_modules" / "playwright-core").is_dir(), "`npm ci --prefix presentation`")
    try:
        browser = make_slides.find_browser()
    except make_slides.workshop.Problem:
        browser = None
    need(browser, "Chrome, Chromium or Edge")

    def go(*jobs):
        path = tmp_path_factory.mktemp("jobs") / "jobs.json"
        path.write_text(json.dumps([{**job, "path": str(job["path"])} for job in jobs]), encoding="utf-8")
        command = ["node", PAGE, browser, path]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=900)  # patience
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return go


# Networks of every kind, as if they had lived


class UNet(nn.Module):
    """A small one of pix2pix: it takes a picture, and each stair sees its twin."""

    def __init__(self, channels=3):
        super().__init__()
        self.latent_dim = 1
        deep = [
            nn.Conv2d(8, 16, 4, 2, 1),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.ConvTranspose2d(16, 8, 4, 2, 1),
        ]
        inner = Skip(*deep, nn.BatchNorm2d(8), nn.ReLU())  # (N, 16, 16, 16)
        outer = Skip(
            nn.Conv2d(channels, 8, 4, 2, 1),
            nn.LeakyReLU(0.2),
            inner,
            nn.BatchNorm2d(16),
            nn.ConvTranspose2d(16, 8, 4, 2, 1),
        )
        self.layers = nn.Sequential(outer, nn.Conv2d(8 + channels, 3, 3, 1, 1), nn.Sigmoid(), nn.Identity())

    def forward(self, z, pictures):
        return self.layers(pictures)


class Judge(nn.Module):
    """A detective for any game."""

    def __init__(self, channels):
        super().__init__()
        self.layers = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 1))

    def forward(self, images, condition=None):
        return self.layers(images)


def lived(network, spread=0.05):
    """Give a network weights and statistics as after a training: neither zero nor one."""
    dice = torch.Generator().manual_seed(1)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            layer.running_mean.copy_(0.3 * torch.randn(layer.running_mean.shape, generator=dice))
            layer.running_var.copy_(torch.rand(layer.running_var.shape, generator=dice) + 0.3)
            layer.bias.data.copy_(0.3 * torch.randn(layer.bias.shape, generator=dice))
        elif getattr(layer, "weight", None) is not None:
            layer.weight.data.copy_(torch.randn(layer.weight.shape, generator=dice) * spread)
    return network


def dcgan(size, channels, width):
    pair = Generator(image_size=size, channels=channels, width=width), Discriminator(image_size=size, channels=channels)
    return GAN(lived(pair[0]), pair[1])


def odd():
    """7, 15, 30 pixels: a sheet of odd side grows by one more."""
    layers = [nn.Linear(16, 8 * 7 * 7), nn.Unflatten(1, (8, 7, 7)), *grow(8, 8, odd=1), *grow(8, 4)]
    generator = lived(nn.Sequential(*layers, nn.Conv2d(4, 1, 3, padding=1), nn.Tanh()), 0.2)
    generator.latent_dim = 16
    return GAN(generator, Judge(1))


def texture():
    book = load_notebook("05")
    return GAN(lived(book.TextureGenerator(), 0.06), book.make_texture_detective())


def told(classes):
    shape = {"channels": 3, "width": 4, "classes": classes}
    return GAN(lived(Generator(**shape, latent_dim=16), 0.2), Discriminator(**shape))


def pictures(channels=3):
    sketches = (torch.arange(64 * channels * 32 * 32).reshape(64, channels, 32, 32) % 251) / 125 - 1
    return GAN(lived(UNet(channels), 0.15), Judge(3), fixed_condition=sketches)


def season():
    players = translation.UNet(given_channels=3, width=4, image_size=32, norm=nn.InstanceNorm2d), Judge(3)
    return GAN(lived(players[0], 0.2), players[1], fixed_condition=pictures().fixed_condition)


KINDS = {
    "28/1": lambda: dcgan(28, 1, 16),
    "32/3": lambda: dcgan(32, 3, 16),
    "64/3": lambda: dcgan(64, 3, 16),
    "30/1": odd,
    "MLP": lambda: GAN(lived(MLPGenerator(), 0.1), MLPDiscriminator()),
    "texture": texture,
    "ten classes": lambda: told(10),
    "four attributes": lambda: told((5, 5, 4, 6)),
    "picture": pictures,
    "grey picture": lambda: pictures(1),
    "season": season,
}
DRAW = "return await page.evaluate((xs) => [net.engine, xs.map((x) => Array.from(draw(net, x)))], input)"


@pytest.fixture(scope="session")
def kept(tmp_path_factory):
    """Return a function that makes the page of a kind, once: (path, GAN)."""
    made = {}

    def make(kind):
        if kind not in made:
            gan = KINDS[kind]()
            made[kind] = save_page(tmp_path_factory.mktemp("pages") / "page.html", gan, title=kind), gan
        return made[kind]

    return make


def about(path):
    return json.loads(re.search(r'id="about">(.*?)</script>', path.read_text(encoding="utf-8"))[1])


def given_and_wanted(gan):
    """What the first layer is given for three z or pictures, as lists, and the pictures that PyTorch draws."""
    condition, z = gan.fixed_condition, gan.fixed_z[5:8]
    if condition is None:
        return z.tolist(), gan.sample(z)
    if condition.ndim == 4:
        return condition[5:8].flatten(1).tolist(), gan.sample(z, condition[5:8])
    columns = condition[5:8].reshape(3, -1).unbind(1)
    one_hot = [nn.functional.one_hot(column, count) for column, count in zip(columns, counts(gan.generator.classes))]
    return torch.cat([z, *one_hot], 1).tolist(), gan.sample(z, condition[5:8])


@pytest.fixture(scope="session")
def drawn(kept, visit):
    """What each kind of network has drawn with both engines, {kind: [seen with the kernel, seen without]}."""
    pages = {kind: (kept(kind)[0], given_and_wanted(kept(kind)[1])[0]) for kind in KINDS}
    jobs = [{"path": path, "steps": DRAW, "input": given, "plain": p} for path, given in pages.values() for p in (0, 1)]
    seen = visit(*jobs)
    return {kind: seen[2 * i : 2 * i + 2] for i, kind in enumerate(KINDS)}


@pytest.mark.parametrize("kind", KINDS)
def test_both_engines_draw_what_pytorch_draws(kind, kept, drawn):
    _, wanted = given_and_wanted(kept(kind)[1])
    assert [one["value"][0] for one in drawn[kind]] == ["WebAssembly", "JavaScript"]
    for one in drawn[kind]:
        assert one["requests"] == one["errors"] == []
        pictures = torch.tensor(one["value"][1]).reshape(wanted.shape)
        assert (pictures - wanted).abs().max() < 1 / 127.5, "one grey level"
    assert wanted.std() > 0.1, "a flat picture would prove nothing"


# What a person does there


def steps(page, *lines, **more):
    return {"path": page, "steps": "\n".join([HELPERS, *lines]), **more}


HELPERS = """
const shot = () => page.evaluate(() => document.getElementById("picture").toDataURL());
const code = () => page.inputValue("#code");
const settle = () => page.evaluate(() => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go))));
const box = async (id) => page.locator(id).boundingBox();
const drag = async (id, from, to) => {
  await page.locator(id).scrollIntoViewIfNeeded();
  const { x, y, width, height } = await box(id);
  await page.mouse.move(x + from[0] * width, y + from[1] * height), await page.mouse.down();
  await page.mouse.move(x + to[0] * width, y + to[1] * height, { steps: 4 }), await page.mouse.up(), await settle();
};
const file = async (id, to) => {
  const [made] = await Promise.all([page.waitForEvent("download"), page.click(id)]);
  return await made.saveAs(to), made.suggestedFilename();
};
"""


def test_map_buttons_sliders_and_keys_each_bring_another_picture(kept, visit):
    path, _ = kept("32/3")
    (seen,) = visit(
        steps(
            path,
            "const seen = [[await shot(), await code()]];",
            "const note = async () => (await settle(), seen.push([await shot(), await code()]));",
            "await drag('#map', [0.5, 0.5], [0.9, 0.2]), await note();",
            "await page.click('#surprise'), await note();",
            "await page.focus('#map'), await page.keyboard.press('ArrowRight'), await note();",
            "await page.keyboard.press('Shift+ArrowUp'), await note();",
            "await page.keyboard.press('Enter'), await note();",
            "await page.dblclick('#map'), await note();",
            "await page.focus('#bold'), await page.keyboard.press('End'), await note();",
            "await page.click('summary:has-text(\"numbers of z\")');",
            "await page.focus('[name=\"3\"]'), await page.keyboard.press('End'), await note();",
            "return seen;",
        )
    )
    assert seen["errors"] == seen["requests"] == []
    shots, codes = zip(*seen["value"])
    assert len(set(shots)) == len(set(codes)) == 9


def test_a_code_draws_the_same_picture_elsewhere_and_a_wrong_one_is_named(kept, visit):
    path, other = kept("32/3")[0], kept("28/1")[0]
    change = [
        "await drag('#map', [0.5, 0.5], [0.13, 0.77]);",
        "await page.focus('#bold'), await page.keyboard.press('Home');",
        "for (const n of [0, 5]) await page.evaluate((n) => { const made = document.querySelector(`[name='${n}']`);"
        " made.value = -17, made.dispatchEvent(new Event('input')); }, n);",
        "return [await shot(), await code()];",
    ]
    (first,) = visit(steps(path, *change))
    shown, code = first["value"]
    assert re.fullmatch(r"[0-9A-F]+(-[0-9A-F]+){3,}", code)
    typed = "await page.fill('#code', input), await page.press('#code', 'Enter');"
    typed += "return [await shot(), await page.textContent('#status')]"
    wrong = ("1" if code[3] != "1" else "2").join([code[:3], code[4:]])
    again, lower, mistyped, elsewhere, opened, rubbish = visit(
        steps(path, typed, input=code),
        steps(path, typed, input=code.lower().replace("0", "o").replace("1", "l")),
        steps(path, typed, input=wrong),
        steps(other, typed, input=code),
        steps(path, "return [await shot(), '']", hash=f"#{code}"),
        steps(path, typed, input="<img src=x> U 💥", hash="#%00<script>"),
    )
    assert again["value"][0] == lower["value"][0] == opened["value"][0] == shown
    for one in (mistyped, elsewhere, rubbish):
        assert one["value"][1] == "This number belongs to another page, or a digit of it is wrong."
        assert one["value"][0] != shown and one["errors"] == []


def test_every_part_of_a_code_comes_back(kept, visit):
    path, _ = kept("four attributes")
    state = {"seed": 2**24 - 1, "x": -70000, "y": 12345, "bold": 7, "mix": 33, "from": [4, 0, 3, 5], "to": [0, 4, 1, 2]}
    state |= {"pushes": {"0": -48, "15": 48}}
    (seen,) = visit(
        steps(path, "return page.evaluate((s) => (Object.assign(here, s), readCode(codeOf())), input)", input=state)
    )
    assert seen["value"] == state


def test_the_walk_goes_on_and_stops_and_is_slow_where_motion_is_unwelcome(kept, visit):
    path, _ = kept("28/1")
    look = [
        "let count = 0, before;",
        "await page.click('#walk');",
        "for (let i = 0; i < 12; i++) {",
        "  await page.waitForTimeout(100); const now = await shot(); count += now !== before, before = now;",
        "}",
        "const pressed = await page.getAttribute('#walk', 'aria-pressed');",
        "await page.click('#walk'), before = await shot(), await page.waitForTimeout(1800);",
        "return [count, pressed, before === await shot(), (await code()).length > 9];",
    ]
    usual, still = visit(steps(path, *look), steps(path, *look, context={"reducedMotion": "reduce"}))
    assert usual["value"][0] >= 6 and usual["value"][1:] == ["true", True, True]
    assert still["value"][0] <= 3 and still["value"][1:] == ["true", True, True]


@pytest.mark.parametrize("kind", ["28/1", "32/3", "texture"])
def test_png_and_gif_are_files_that_others_can_open(kind, kept, visit, tmp_path):
    path, _ = kept(kind)
    (seen,) = visit(
        steps(
            path,
            "await page.waitForTimeout(500);",
            "const names = [await file('#png', input + '/a.png'), await file('#gif', input + '/a.gif')];",
            "const size = await page.evaluate(() => [picture.width, picture.height]);",
            "return [names, await page.textContent('#status'), size];",
            input=str(tmp_path),
        )
    )
    assert seen["errors"] == [] and seen["value"][1] == "The film is in your downloads."
    name = re.sub(r"\W+", "-", kind.lower())
    assert seen["value"][0] == [f"{name}.png", f"{name}.gif"]
    width, height = seen["value"][2]
    with Image.open(tmp_path / "a.png") as png, Image.open(tmp_path / "a.gif") as film:
        assert png.width % width == 0 and png.width >= 512 and png.width / png.height == width / height
        assert film.n_frames >= (24 if kind == "texture" else 40) - 2 and film.info["loop"] == 0  # equal frames are one
        assert film.width % width == 0
        small = np.asarray(png.convert("RGB").resize((width, height), 0), float)
        shown = np.asarray(film.convert("RGB").resize((width, height), 0), float)
        assert np.abs(small - shown).mean() < {"28/1": 0.1, "32/3": 3, "texture": 6}[kind], (
            "a palette of its own: no bands"
        )
        first = np.asarray(film.convert("RGB"), float)
        film.seek(film.n_frames // 2)
        assert np.abs(np.asarray(film.convert("RGB"), float) - first).mean() > 1, "it moves"


def test_a_texture_goes_on_without_a_seam_where_patches_meet(kept, visit):
    path, gan = kept("texture")
    (seen,) = visit(
        steps(
            path,
            "await page.waitForFunction(() => patches.size >= 12);",
            "const before = await shot();",
            "await drag('#picture', [0.6, 0.6], [0.3, 0.5]), await page.waitForTimeout(700);",
            "const moved = before !== await shot();",
            "await page.keyboard.press('Tab');",
            "return [moved, ...await page.evaluate(() => {",
            "  Object.assign(here, { seed: 7, x: 0, y: 0, bold: 20 });",
            "  const z = [];",
            "  for (let y = 0; y < 8; y++) for (let x = 0; x < 12; x++) z.push([...normals(16, 7, x, y)]);",
            "  return [z, [0, 1].map((i) => [...patchAt(i, 0).data])];",
            "})];",
        )
    )
    moved, z, patches = seen["value"]
    assert moved and seen["errors"] == []
    sheet = torch.tensor(z).reshape(8, 12, 16).permute(2, 0, 1)[None]
    wanted = ((gan.sample(sheet)[0] + 1) * 127.5).permute(1, 2, 0)
    drawn = torch.cat([torch.tensor(patch).reshape(64, 64, 4)[..., :3] for patch in patches], 1)
    assert (drawn - wanted).abs().max() < 1.5


# Classes


def test_each_class_has_a_button_and_two_can_be_mixed(visit, tmp_path):
    names = [*"0123456789"]
    path = save_page(tmp_path / "a.html", KINDS["ten classes"](), class_names=names[:9] + ["<b>nine</b>"])
    (seen,) = visit(
        steps(
            path,
            "const shots = [];",
            "const labels = () => page.evaluate(() => labels());",
            "for (const name of ['7', '<b>nine</b>']) {",
            "  await page.locator('#from').getByLabel(name, { exact: true }).check({ force: true });",
            "  await settle(), shots.push(await shot());",
            "}",
            "const nine = await labels();",
            "await page.click('summary:has-text(\"Mix\")');",
            "await page.locator('#to').getByLabel('2', { exact: true }).check({ force: true });",
            "await page.evaluate(() => { mix.value = 25, mix.oninput(); }), await settle(), shots.push(await shot());",
            "return [shots, nine, await labels(), await page.locator('#from label').count()];",
        )
    )
    shots, nine, mixed, buttons = seen["value"]
    assert seen["errors"] == [] and buttons == 10
    assert nine == [0] * 9 + [1] and mixed == [0, 0, 0.25] + [0] * 6 + [0.75]
    assert len(set(shots)) == 3


def test_attributes_are_named_and_a_wrong_number_of_names_is_noticed(tmp_path):
    names = {"Hair": [*"abcde"], "Skin": [*"abcde"], "Mouth": [*"abcd"], "Shirt": [*"abcdef"]}
    gan = KINDS["four attributes"]()
    assert about(save_page(tmp_path / "a.html", gan, class_names=names))["classes"] == [
        [n, w] for n, w in names.items()
    ]
    assert [len(words) for _, words in about(save_page(tmp_path / "a.html", gan))["classes"]] == [5, 5, 4, 6]
    for wrong in (names | {"Shirt": ["a"]}, [*"abcde"]):
        with pytest.raises(ValueError, match="class_names do not fit this generator: give 5, 5, 4, 6 names"):
            save_page(tmp_path / "a.html", gan, class_names=wrong)
    with pytest.raises(ValueError, match="give no names"):
        save_page(tmp_path / "a.html", KINDS["28/1"](), class_names=["a"])


# A picture as input


def test_drawing_undoing_and_showing_a_picture_change_what_comes_out(kept, visit, tmp_path):
    path, _ = kept("picture")
    Image.new("RGB", (50, 80), "red").save(tmp_path / "red.png")
    (tmp_path / "no.png").write_bytes(b"no picture")
    (seen,) = visit(
        steps(
            path,
            "await settle(); const seen = [await shot()];",
            "const note = async () => (await settle(), seen.push(await shot()));",
            "await drag('#paper', [0.2, 0.2], [0.8, 0.7]), await note();",
            "await page.click('#eraser'), await drag('#paper', [0.2, 0.2], [0.5, 0.45]), await note();",
            "await page.click('#undo'), await note();",
            "await page.click('#undo'), await note();",
            "await page.click('#pen'), await page.fill('#colour', '#00aa00');",
            "await page.fill('#width', '9'), await drag('#paper', [0.2, 0.2], [0.8, 0.7]), await note();",
            "await page.click('#clear'), await note();",
            "await page.setInputFiles('#file', input + '/red.png'), await page.waitForTimeout(300), await note();",
            "await page.setInputFiles('#file', input + '/no.png'), await page.waitForTimeout(300);",
            "const words = await page.textContent('#status');",
            "const name = await file('#png', input + '/out.png');",
            "return [seen, words, name, await page.getAttribute('#photo', 'capture')];",
            input=str(tmp_path),
        )
    )
    (blank, drawn, erased, back, clean, green, cleared, red), words, name, capture = seen["value"]
    assert seen["errors"] == seen["requests"] == []
    assert drawn == back and blank == clean == cleared and len({blank, drawn, erased, green, red}) == 5
    assert words == "no.png is no picture that this browser can open: choose a JPEG or PNG."
    assert name == "picture.png" and capture == "environment"
    assert Image.open(tmp_path / "out.png").size == (512, 512)


def test_the_webcam_moves_the_picture_and_a_refusal_is_said_in_a_sentence(kept, visit):
    path, _ = kept("picture")
    fake = "--use-fake-device-for-media-stream"
    look = [
        "await page.click('#camera'), await page.waitForTimeout(1500);",
        "const first = await shot(); await page.waitForTimeout(700);",
        "const moved = first !== await shot(), words = await page.textContent('#status');",
        "await page.click('#camera'), await page.waitForTimeout(200);",
        "const last = await shot(); await page.waitForTimeout(500);",
        "return [moved, last === await shot(), words];",
    ]
    allowed, refused = visit(
        steps(path, *look, arguments=[fake, "--use-fake-ui-for-media-stream"]), steps(path, *look, arguments=[fake])
    )
    assert allowed["value"] == [True, True, "The camera's pictures stay in this page."]
    assert refused["value"][0] is False
    assert refused["value"][2].startswith("The browser gives no camera to this page (")
    assert allowed["errors"] == refused["errors"] == []


# What everybody can read and reach


@pytest.mark.parametrize("kind", ["28/1", "four attributes", "texture", "picture"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_fits_a_phone_and_can_be_read_and_reached(kind, scheme, kept, visit):
    path, _ = kept(kind)
    (seen,) = visit(
        steps(
            path,
            "await page.evaluate(() => document.querySelectorAll('details').forEach((one) => (one.open = true)));",
            f"return page.evaluate({LOOK})",
            context={
                "viewport": {"width": 360, "height": 740},
                "isMobile": True,
                "hasTouch": True,
                "colorScheme": scheme,
            },
        )
    )
    found = seen["value"]
    assert seen["errors"] == []
    assert found == {"sideways": 0, "pale": [], "nameless": [], "small": []}


LOOK = """async () => {
  const light = (rgb) => rgb.map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const behind = (e) => {
    const [r, g, b, a = 1] = e ? numbers(getComputedStyle(e).backgroundColor) : [255, 255, 255];
    return a === 1 ? [r, g, b] : behind(e.parentElement);
  };
  const pale = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const e = walker.currentNode.parentElement, words = walker.currentNode.data.trim();
    if (!words || e.closest("script, noscript") || !e.getClientRects().length) continue;
    const [a, b] = [light(numbers(getComputedStyle(e).color).slice(0, 3)), light(behind(e))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) pale.push(`${words.slice(0, 30)} ${((a + 0.05) / (b + 0.05)).toFixed(2)}`);
  }
  const controls = [...document.querySelectorAll("button, input, [tabindex]")].filter((e) => e.getClientRects().length);
  const words = (e) => e.textContent.trim();
  const name = (e) => e.ariaLabel || words(e) || [...(e.labels ?? [])].map(words).join("");
  const size = (e) => {
    const box = (e.closest("label") ?? e).getBoundingClientRect();
    return Math.min(box.width, box.height);
  };
  return {
    sideways: document.documentElement.scrollWidth - innerWidth,
    pale,
    nameless: controls.filter((e) => !name(e)).map((e) => e.outerHTML.slice(0, 80)),
    small: controls.filter((e) => size(e) < 24).map((e) => e.outerHTML.slice(0, 80)),
  };
}"""


def test_every_control_is_reached_by_the_tab_key(kept, visit):
    path, _ = kept("28/1")
    (seen,) = visit(
        steps(
            path,
            "const met = [];",
            "for (let i = 0; i < 14; i++) {",
            "  await page.keyboard.press('Tab');",
            "  met.push(await page.evaluate(() => document.activeElement.id || document.activeElement.tagName));",
            "}",
            "return met;",
        )
    )
    assert {"code", "copy", "map", "surprise", "walk", "png", "gif", "bold", "SUMMARY"} <= set(seen["value"])


def test_without_javascript_the_page_says_what_it_needs(kept, visit):
    path, _ = kept("28/1")
    (seen,) = visit(steps(path, "return page.innerText('noscript')", context={"javaScriptEnabled": False}))
    assert "web address" in seen["value"] and "iPhone" in seen["value"]


TITLES = [
    "</script><script>document.hacked = 1</script>",
    "<img src=x onerror=alert(1)> & {{data}} {{script}}",
    "Ĝ 🎨👩‍🎨 ع",
]


@pytest.mark.parametrize("title", [*TITLES, "Nice" * 75, "", "\ud800 alone"])
def test_any_title_stays_text(title, visit, tmp_path):
    path = save_page(tmp_path / "a.html", KINDS["28/1"](), title=title, credit=title)
    (seen,) = visit(
        steps(
            path,
            "return page.evaluate(() => {",
            "  const { title, hacked = 0, scripts, images, documentElement: { scrollWidth } } = document;",
            "  const shown = document.querySelector('h1').textContent;",
            "  return [shown, title, hacked, scripts.length, images.length, scrollWidth - innerWidth, net.engine];",
            "})",
            context={"viewport": {"width": 360, "height": 740}},
        )
    )
    shown, _, *others = seen["value"]
    assert shown == title.replace("\ud800", "?") and others == [0, 2, 0, 0, "WebAssembly"]
    assert seen["errors"] == seen["requests"] == []


def test_nothing_else_runs_or_is_asked(kept, visit):
    path, _ = kept("28/1")
    (seen,) = visit(
        steps(
            path,
            "return page.evaluate(async () => {",
            "  const script = document.head.appendChild(document.createElement('script'));",
            "  script.textContent = 'document.hacked = 1';",
            "  document.body.insertAdjacentHTML('beforeend', '<img src=\"https://a.invalid/\" onerror=\"hack()\">');",
            "  const answer = await fetch('https://a.invalid/').then(() => 'asked', () => 'refused');",
            "  return [document.hacked ?? 0, answer];",
            "})",
        )
    )
    assert seen["value"] == [0, "refused"] and len(seen["errors"]) >= 3
    assert all("Content Security Policy" in words for words in seen["errors"])
    text = path.read_text(encoding="utf-8")
    assert "default-src 'none'" in text and "unsafe-inline" not in text and "unsafe-eval'" in text
    assert re.findall(r"https?://[^\s\"'<]+", text) == []


# Inside a notebook


def test_a_notebook_shows_it_in_a_frame_that_reaches_nothing_outside(kept, visit, monkeypatch, tmp_path, capsys):
    path, _ = kept("28/1")
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda one: shown.append(one.data))
    show_page(path)
    assert str(path) in capsys.readouterr().out
    (frame,) = shown
    book = tmp_path / "book.html"
    book.write_text(f"<!doctype html><title>x</title><script>secret = 1</script>{frame}", encoding="utf-8")
    (seen,) = visit(
        steps(
            book,
            "const inner = await (await page.$('iframe')).contentFrame();",
            "await inner.waitForFunction('typeof net === \"object\"');",
            "return [await inner.evaluate(() => [net.engine, document.querySelector('h1').textContent.length > 0,",
            "  (() => { try { return parent.secret; } catch { return 'locked' } })()])];",
        )
    )
    assert seen["value"] == [["WebAssembly", True, "locked"]] and seen["errors"] == seen["requests"] == []


def test_a_large_page_stays_outside_the_notebook(monkeypatch, tmp_path, capsys):
    path = tmp_path / "large.html"
    path.write_bytes(b"x" * 2_100_000)
    monkeypatch.setattr("IPython.display.display", lambda one: pytest.fail("shown"))
    show_page(path)
    assert "2.1 MB" in capsys.readouterr().out


def test_colab_offers_it_for_download(monkeypatch, tmp_path):
    path, given = tmp_path / "a.html", []
    path.write_text("x", encoding="utf-8")
    module = types.ModuleType("google.colab")
    module.files = types.SimpleNamespace(download=given.append)
    monkeypatch.setitem(sys.modules, "google.colab", module)
    monkeypatch.delenv("KAGGLE_KERNEL_RUN_TYPE", raising=False)
    show_page(path)
    assert given == [str(path)]


# What is in the file


def test_the_kernel_is_its_text():
    tool = load_script("tools/assemble_kernel.py")
    assert tool.assemble((PARTS / "multiply.wat").read_text(encoding="utf-8")) == (PARTS / "multiply.wasm").read_bytes()


def test_the_javascript_is_short():
    lines = [line for path in PARTS.glob("*.js") for line in path.read_text(encoding="utf-8").splitlines()]
    code = [line for line in lines if not re.match(r"\s*(//|$)", line)]
    assert len(code) < 500 and max(map(len, lines)) <= 140


def test_a_page_tells_of_the_training_and_shows_its_film(make_gan, digits, tmp_path):
    gan, view = make_gan(), LiveView()
    path = save_page(tmp_path / "a.html", gan)
    assert "has not learned anything yet" in path.read_text(encoding="utf-8")
    train(gan, digits, steps=12, batch_size=16, watch=view)
    text = html.unescape(save_page(path, gan, view=view, credit="MNIST, CC BY-SA 3.0").read_text(encoding="utf-8"))
    assert "It learned for 12 rounds and was shown 192 pictures" in text and "not learned anything" not in text
    assert "The doctor's last word: Too early to say" in text and "It learned from: MNIST, CC BY-SA 3.0." in text
    strip = Image.open(io.BytesIO(base64.b64decode(re.search(r"jpeg;base64,([^\"]+)", text)[1])))
    assert strip.height == 4 * 30 - 2 and strip.width == 10 * 30 - 2
    assert "jpeg;base64" not in save_page(path, gan, view=LiveView()).read_text(encoding="utf-8")


def test_digits_and_large_pages_are_as_small_as_promised(tmp_path):
    assert save_page(tmp_path / "a.html", KINDS["28/1"]()).stat().st_size < 0.8e6
    assert save_page(tmp_path / "a.html", dcgan(64, 3, 32)).stat().st_size < 6e6


# What cannot be


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda f, gan: save_page(f / "a.htm", gan), r"a\.htm will be a HTML: call it a\.html"),
        (lambda f, gan: save_page(f / "a.html", gan.generator), "save_page takes a GAN, .* and this is a Generator"),
        (lambda f, gan: save_page(f / "a.html", gan, title=3), "title and credit are texts"),
    ],
)
def test_a_wrong_argument_is_named(call, words, make_gan, tmp_path):
    with pytest.raises(ValueError, match=words):
        call(tmp_path, make_gan())
    assert list(tmp_path.glob("*.htm*")) == []


def test_broken_weights_are_counted_and_an_older_page_stays(make_gan, tmp_path):
    gan = make_gan()
    before = save_page(tmp_path / "a.html", gan).read_bytes()
    gan.average_generator.layers[0].weight[0, :3] = float("nan")
    with pytest.raises(ValueError, match="3 of the generator's numbers are NaN or infinite"):
        save_page(tmp_path / "a.html", gan)
    assert (tmp_path / "a.html").read_bytes() == before


def test_a_network_that_is_too_large_says_how_large_and_what_helps(make_gan, tmp_path):
    gan = make_gan()
    gan.average_generator.layers = nn.Sequential(nn.Linear(64, 250_000), nn.Unflatten(1, (1, 500, 500)))
    with pytest.raises(ValueError, match=r"The page would be 43 MB, more than 40\. A generator of half the width"):
        save_page(tmp_path / "a.html", gan)


def test_a_folder_that_cannot_be_written_is_named(make_gan, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(
        OSError, match=r"The folder .*file cannot be written \(a file is in the way\): nothing was saved"
    ):
        save_page(tmp_path / "file" / "a.html", make_gan())


def test_the_page_that_the_readme_offers_is_of_today_and_paints(visit):
    path = ROOT / "presentation" / "draw-and-it-paints.html"
    text = path.read_text(encoding="utf-8")
    for part in ("engine.js", "save.js", "canvas.js", "page.css"):
        assert (PARTS / part).read_text(encoding="utf-8") in text, "save it again with notebook 08"
    assert f"]({path.relative_to(ROOT).as_posix()})" in (ROOT / "README.md").read_text(encoding="utf-8")
    (seen,) = visit(
        steps(
            path,
            "await settle(); const blank = await shot(); await drag('#paper', [0.3, 0.3], [0.7, 0.7]);",
            "await settle(); return [blank, await shot()];",
        )
    )
    blank, drawn = seen["value"]
    assert seen["errors"] == seen["requests"] == [] and blank != drawn
