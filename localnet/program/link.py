"""Link a clang BPF object into the ELF the Solana VM loads (sBPF v0): one ``.text``, read-only data, syscalls by name.

clang has no linker for this target; the format is small: a shared object whose only relocations are calls to syscalls
(``R_BPF_64_32``), which the VM's loader resolves by their names. Addresses of read-only data are made absolute here, in
the VM's program region at 0x1_0000_0000. The same object gives the same bytes.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from localnet.errors import UnsupportedObjectError

_SECTION = "<IIQQQQIIQQ"
_SYMBOL = "<IBBHQQ"
_PROGRAM_REGION = 0x1_0000_0000
_HEADERS = 64 + 56 * 3
_SHT_REL = 9
_R_BPF_64_64 = 1
_R_BPF_64_32 = 10


@dataclass(frozen=True, slots=True)
class _Section:
    name: str
    kind: int
    link: int
    info: int
    body: bytes


@dataclass(frozen=True, slots=True)
class _Symbol:
    name: str
    section: int
    value: int


def link(obj: bytes) -> bytes:
    """The loadable program made of the relocatable object ``obj``, entered at its ``entrypoint``."""
    sections = _sections(obj)
    text_index = next(i for i, section in enumerate(sections) if section.name == ".text")
    text = bytearray(sections[text_index].body)
    symbols = _symbols(sections)
    text_at = _aligned(_HEADERS, 16)

    constants = b""
    constants_at: dict[int, int] = {}
    for index, section in enumerate(sections):
        if section.name.startswith(".rodata"):
            constants += bytes(-len(constants) % 8)
            constants_at[index] = text_at + len(text) + len(constants)
            constants += section.body

    names, name_of, relocations = b"\0", {}, b""
    dynamic_symbols = [struct.pack(_SYMBOL, 0, 0, 0, 0, 0, 0)]
    for offset, kind, symbol in _relocations(sections, text_index, symbols):
        if kind == _R_BPF_64_32 and symbol.section == 0:
            if symbol.name not in name_of:
                name_of[symbol.name] = len(dynamic_symbols)
                dynamic_symbols.append(struct.pack(_SYMBOL, len(names), 0x10, 0, 0, 0, 0))
                names += symbol.name.encode() + b"\0"
            relocations += struct.pack("<QQ", text_at + offset, (name_of[symbol.name] << 32) | _R_BPF_64_32)
            struct.pack_into("<i", text, offset + 4, -1)
        elif kind == _R_BPF_64_64 and symbol.section in constants_at:
            (addend,) = struct.unpack_from("<I", text, offset + 4)
            address = _PROGRAM_REGION + constants_at[symbol.section] + symbol.value + addend
            struct.pack_into("<I", text, offset + 4, address & 0xFFFFFFFF)
            struct.pack_into("<I", text, offset + 12, address >> 32)
        else:
            raise UnsupportedObjectError(f"relocation type {kind} against {symbol.name or 'a section'}")
    entry = next(symbol.value for symbol in symbols if symbol.name == "entrypoint")
    return _layout(
        text=bytes(text),
        constants=constants,
        symbols=b"".join(dynamic_symbols),
        names=names,
        relocations=relocations,
        entry=entry,
    )


def _aligned(offset: int, to: int) -> int:
    return -(-offset // to) * to


def _text_until_zero(table: bytes, at: int) -> str:
    return table[at : table.index(b"\0", at)].decode()


def _sections(obj: bytes) -> list[_Section]:
    (table,) = struct.unpack_from("<Q", obj, 40)
    size, count, names_index = struct.unpack_from("<HHH", obj, 58)
    raw = [struct.unpack_from(_SECTION, obj, table + i * size) for i in range(count)]
    names = obj[raw[names_index][4] :]
    return [_Section(_text_until_zero(names, s[0]), s[1], s[6], s[7], obj[s[4] : s[4] + s[5]]) for s in raw]


def _symbols(sections: list[_Section]) -> list[_Symbol]:
    table = next(section for section in sections if section.name == ".symtab")
    names = sections[table.link].body
    return [
        _Symbol(_text_until_zero(names, name), section, value)
        for name, _, _, section, value, _ in struct.iter_unpack(_SYMBOL, table.body)
    ]


def _relocations(sections: list[_Section], text_index: int, symbols: list[_Symbol]) -> list[tuple[int, int, _Symbol]]:
    return [
        (offset, info & 0xFFFFFFFF, symbols[info >> 32])
        for section in sections
        if section.kind == _SHT_REL and section.info == text_index
        for offset, info in struct.iter_unpack("<QQ", section.body)
    ]


def _layout(*, text: bytes, constants: bytes, symbols: bytes, names: bytes, relocations: bytes, entry: int) -> bytes:
    """Headers, text, constants, then the dynamic section the loader reads, then the section table."""
    text_at = _aligned(_HEADERS, 16)
    out = bytearray(text_at) + text
    rows: list[tuple[str, int, int, int, int, int, int, int, int]] = [(".text", 1, 6, text_at, len(text), 0, 0, 8, 0)]
    if constants:
        rows.append((".rodata", 1, 2, len(out), len(constants), 0, 0, 8, 0))
        out += constants
    out += bytes(-len(out) % 8)
    loaded_end = len(out)
    base = len(rows)

    dynamic_at, dynamic_len = loaded_end, 16 * 7
    symbols_at = dynamic_at + dynamic_len
    names_at = symbols_at + len(symbols)
    relocations_at = _aligned(names_at + len(names), 8)
    # DT_REL, DT_RELSZ, DT_RELENT, DT_SYMTAB, DT_SYMENT, DT_STRTAB, DT_NULL
    tags = [(17, relocations_at), (18, len(relocations)), (19, 16), (6, symbols_at), (11, 24), (5, names_at), (0, 0)]
    out += b"".join(struct.pack("<QQ", *tag) for tag in tags) + symbols + names
    out += bytes(relocations_at - len(out)) + relocations
    rows += [
        (".dynamic", 6, 3, dynamic_at, dynamic_len, base + 3, 0, 8, 16),
        (".dynsym", 11, 2, symbols_at, len(symbols), base + 3, 1, 8, 24),
        (".dynstr", 3, 2, names_at, len(names), 0, 0, 1, 0),
        (".rel.dyn", 9, 2, relocations_at, len(relocations), base + 2, 0, 8, 16),
    ]
    dynamic_end = len(out)

    section_names = b"\0"
    name_at = []
    for row in rows:
        name_at.append(len(section_names))
        section_names += row[0].encode() + b"\0"
    own_name_at = len(section_names)
    section_names += b".shstrtab\0"
    section_names_at = len(out)
    out += section_names + bytes(-(len(out) + len(section_names)) % 8)

    table_at = len(out)
    out += bytes(64)
    for name, (_, kind, flags, at, size, linked, info, align, item) in zip(name_at, rows, strict=True):
        out += struct.pack(_SECTION, name, kind, flags, at, at, size, linked, info, align, item)
    out += struct.pack(_SECTION, own_name_at, 3, 0, 0, section_names_at, len(section_names), 0, 0, 1, 0)

    magic = b"\x7fELF\x02\x01\x01" + bytes(9)
    counts = (64, 56, 3, 64, len(rows) + 2, len(rows) + 1)
    struct.pack_into("<16sHHIQQQIHHHHHH", out, 0, magic, 3, 247, 1, text_at + entry, 64, table_at, 0, *counts)
    segments = [(1, 5, text_at, loaded_end), (1, 4, dynamic_at, dynamic_end), (2, 6, dynamic_at, symbols_at)]
    for index, (kind, flags, start, end) in enumerate(segments):
        size = end - start
        struct.pack_into("<IIQQQQQQ", out, 64 + 56 * index, kind, flags, start, start, start, size, size, 8)
    return bytes(out)
