"""Turn multiply.wat, the text of the page's kernel, into multiply.wasm: an assembler for the few words that it uses.

python tools/assemble_kernel.py
"""

import itertools
import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "gans_workshop" / "view" / "page"
TYPES = {"i32": 0x7F, "v128": 0x7B}
# The number of each word in the standard of WebAssembly; those of vectors follow a 0xFD
WORDS = {
    "local.get": [0x20],
    "local.set": [0x21],
    "local.tee": [0x22],
    "br_if": [0x0D],
    "loop": [0x03],
    "i32.const": [0x41],
    "f32.const": [0x43],
    "i32.lt_u": [0x49],
    "i32.add": [0x6A],
    "i32.sub": [0x6B],
    "i32.mul": [0x6C],
    "i32.shl": [0x74],
    "v128.load": [0xFD, 0],
    "v128.load32_splat": [0xFD, 9],
    "v128.store": [0xFD, 11],
    "f32x4.splat": [0xFD, 19],
    "f32x4.add": [0xFD, 0xE4, 1],
    "f32x4.mul": [0xFD, 0xE6, 1],
}
ALIGNMENT = {"v128.load": 4, "v128.load32_splat": 2, "v128.store": 4}  # 2 ** 4 bytes, 2 ** 2 bytes


def assemble(text):
    """Return the bytes of a module that imports one memory and exports one function."""
    (module,) = parse(text)
    _, (_, *place, _), (_, (_, export), *parts) = module
    parameters = [part for part in parts if part[0] == "param"]
    local = [part for part in parts if part[0] == "local"]
    names = [name for _, name, _ in parameters + local]
    body = [byte for part in parts[len(names) :] for byte in code(part, names, [])]
    runs = [(len([*run]), TYPES[kind]) for kind, run in itertools.groupby(local, key=lambda part: part[2])]
    head = vector(runs)
    function = [*head, *body, 0x0B]
    signature = [0x60, *vector([[TYPES[kind]] for _, _, kind in parameters]), 0]
    sections = {
        1: vector([signature]),
        2: vector([[*word(place[0]), *word(place[1]), 2, 0, 1]]),
        3: vector([[0]]),
        7: vector([[*word(export), 0, 0]]),
        10: vector([[*leb(len(function)), *function]]),
    }
    return b"\0asm\1\0\0\0" + bytes(b for kind, data in sections.items() for b in [kind, *leb(len(data)), *data])


def parse(text):
    """Read brackets within brackets as lists within lists; comments begin with two semicolons."""
    stack = [[]]
    for found in re.findall(r"[()]|[^\s()]+", re.sub(r";;.*", "", text)):
        if found == "(":
            stack.append([])
        elif found == ")":
            stack[-2].append(stack.pop())
        else:
            stack[-1].append(found)
    return stack[0]


def code(expression, names, loops):
    """Return the bytes of an expression: first what it needs, then its own word."""
    name, *rest = expression
    if name == "loop":
        inside = [byte for part in rest[1:] for byte in code(part, names, [rest[0], *loops])]
        return [*WORDS[name], 0x40, *inside, 0x0B]
    inside = [byte for part in rest if isinstance(part, list) for byte in code(part, names, loops)]
    plain = [part for part in rest if isinstance(part, str)]
    if name in ALIGNMENT:
        numbers = [ALIGNMENT[name], int(plain[0].removeprefix("offset=")) if plain else 0]
    elif name == "br_if":
        numbers = [loops.index(plain[0])]
    elif name == "f32.const":
        numbers = [0, 0, 0, 0]  # only zero is ever needed
    else:
        numbers = [int(part) if name == "i32.const" else names.index(part) for part in plain]
    return [*inside, *WORDS[name], *numbers]  # all numbers are below 64: one byte each


def leb(number):
    """Return a length in sevens of bits, as the format wants it."""
    return [number] if number < 128 else [number % 128 + 128, *leb(number // 128)]


def vector(items):
    return [*leb(len(items)), *(byte for item in items for byte in item)]


def word(text):
    return vector([[byte] for byte in text.strip('"').encode()])


if __name__ == "__main__":
    data = assemble((PAGE / "multiply.wat").read_text(encoding="utf-8"))
    (PAGE / "multiply.wasm").write_bytes(data)
    print(f"{len(data)} bytes")
