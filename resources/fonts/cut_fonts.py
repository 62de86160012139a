"""Cut the two fonts in the box out of the Noto fonts (see README.md here); needs fontTools 4.

The first keeps Latin letters and all that Windows-31J (JIS X 0208 with the usual extensions) can say, the second every
Latin, Greek and Cyrillic letter. Kerning becomes a `kern` table, which is read without a shaping library; hints,
vertical metrics and alternates go, as titles need none of them.

    python cut_fonts.py NotoSansCJK-Bold.ttc vidflow-sans-bold.otf
    python cut_fonts.py NotoSans-Bold.ttf vidflow-sans-bold-europe.ttf
"""

from __future__ import annotations

import sys

from fontTools import subset
from fontTools.ttLib import TTFont, newTable
from fontTools.ttLib.tables._k_e_r_n import KernTable_format_0

RANGES = [
    (0x20, 0x7F), (0xA0, 0x250), (0x300, 0x370), (0x370, 0x400), (0x400, 0x530), (0x1E00, 0x2070), (0x20A0, 0x20C0),
    (0x2100, 0x2190), (0x2460, 0x2500), (0x3000, 0x3100), (0xFF00, 0xFFF0),
]  # fmt: skip
SCRIPTS = [
    {*range(0x250), *range(0x1E00, 0x1F00), *range(0x2000, 0x2070)},
    {*range(0x370, 0x400), *range(0x1F00, 0x2000)},
    {*range(0x400, 0x530)},
]
PAIRS = 10_000
"""At most so many in one part of the table: its length is a number of 16 bits."""


def characters() -> set[int]:
    """The code points to keep."""
    found = {code for low, high in RANGES for code in range(low, high)}
    for lead in range(0x81, 0xFF):
        for trail in range(0x40, 0xFF):
            pair = bytes([lead, trail])
            found |= {ord(one) for table in ("cp932", "euc_jp") for one in pair.decode(table, "ignore")}
    return {code for code in found if not 0xE000 <= code < 0xF900}


def kerning(font: TTFont) -> dict[tuple[str, str], int]:
    """The pairs within one script that move by at least 8 units."""
    names, gpos = font.getBestCmap(), font["GPOS"].table
    features = [record.Feature for record in gpos.FeatureList.FeatureRecord if record.FeatureTag == "kern"]
    lookups = sorted({index for feature in features for index in feature.LookupListIndex})
    tables = [
        getattr(part, "ExtSubTable", part) for index in lookups for part in gpos.LookupList.Lookup[index].SubTable
    ]
    moves: dict[tuple[str, str], int] = {}
    for script in SCRIPTS:
        glyphs = [names[code] for code in sorted(script) if code in names]
        for table in (one for one in tables if hasattr(one, "ValueFormat1")):
            covered = {name: at for at, name in enumerate(table.Coverage.glyphs)}
            for first in (name for name in glyphs if name in covered):
                if table.Format == 1:
                    records = {one.SecondGlyph: one.Value1 for one in table.PairSet[covered[first]].PairValueRecord}
                else:
                    row = table.Class1Record[table.ClassDef1.classDefs.get(first, 0)].Class2Record
                    classes = table.ClassDef2.classDefs
                    records = {name: row[classes.get(name, 0)].Value1 for name in glyphs}
                for second in (name for name in glyphs if name in records):
                    moves.setdefault((first, second), getattr(records[second], "XAdvance", 0))
    return {pair: move for pair, move in moves.items() if abs(move) >= 8}


def main(source: str, target: str) -> None:
    """Write `target`."""
    font = TTFont(source, fontNumber=0 if source.endswith("c") else -1, recalcTimestamp=False)
    options = subset.Options(layout_features=["kern"], hinting=False, notdef_outline=True, glyph_names=False)
    options.drop_tables += ["BASE", "DSIG", "GSUB", "VORG", "vhea", "vmtx"]
    options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 13, 14]
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=characters())
    cutter.subset(font)
    moves = sorted(kerning(font).items())
    table = font["kern"] = newTable("kern")
    table.version, table.kernTables = 0, []
    for at in range(0, len(moves), PAIRS):
        part = KernTable_format_0()
        part.version, part.coverage, part.tupleIndex, part.apple = 0, 1, None, False
        part.kernTable = dict(moves[at : at + PAIRS])
        table.kernTables.append(part)
    del font["GPOS"]
    for record in font["name"].names:
        if record.nameID in (1, 3, 4, 6):
            record.string = {1: "vidflow Sans", 6: "vidflowSans-Bold"}.get(record.nameID, "vidflow Sans Bold")
    if "CFF " in font:
        compact = font["CFF "].cff
        compact.fontNames = ["vidflowSans-Bold"]
        compact[0].rawDict.update(FullName="vidflow Sans Bold", FamilyName="vidflow Sans")
    font.save(target)


if __name__ == "__main__":
    main(*sys.argv[1:])
