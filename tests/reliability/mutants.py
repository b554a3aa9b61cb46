"""Files of every kind that is read, changed at random and read again, in a process of its own.

``python mutants.py FOLDER`` reads mutants of the seeds that lie in FOLDER/<kind>, as they are asked for on its standard
input, so that whoever started it sees which one ended it or held it up.
"""

from __future__ import annotations

import gc
import io
import json
import random
import re
import resource
import shutil
import sqlite3
import struct
import sys
import traceback
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

#: Memory of a process that reads mutants, bytes.
MEMORY = 6 << 30
ODD = ["NaN", "-1", "1e400", "99999999999999999999", "0", "", "null", "{}", "[]", '"', "\x00", "<", "&#x0;", "\udced",
       "=1+1",
       "true", "../../etc/passwd", "'", "-", "POINT EMPTY", "1979-05-27", "%s", "{", "]", "EPSG:0"]  # fmt: skip
EXTREME = [0, 1, 0x7F, 0x80, 0xFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x7FFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF]
TEXT = {"csv", "geojson", "kml", "gpx", "dxf", "mif", "osm", "graphml", "study", "standard", "role", "mapping"}


def changed(data: bytes, rng: random.Random) -> bytes:
    """Change some bytes: flip, cut, repeat, fill, insert, or write an extreme number."""
    out = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 5, 20])):
        if not out:
            break
        at = rng.randrange(len(out))
        # Heads hold the sizes and places of everything else.
        if rng.random() < 0.4:
            at = rng.randrange(min(len(out), 200))
        size = rng.choice([1, 2, 4, 8, 16, 100])
        kind = rng.randrange(7)
        if kind == 0:
            out[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del out[at : at + size]
        elif kind == 2:
            out[at:at] = out[at : at + size] * rng.choice([1, 3, 50])
        elif kind == 3:
            out[at : at + size] = bytes(min(size, len(out) - at))
        elif kind == 4:
            out[at:at] = rng.randbytes(size)
        elif kind == 5:
            form = rng.choice(["<I", ">I", "<Q", ">Q", "<H"])
            number = rng.choice(EXTREME) & ((1 << 8 * struct.calcsize(form)) - 1)
            out[at : at + struct.calcsize(form)] = struct.pack(form, number)
        elif rng.random() < 0.2:
            del out[at:]
    return bytes(out)


def rewritten(data: bytes, rng: random.Random) -> bytes:
    """Change words and numbers of a text: to odd ones, to those of another place, away, or many times over."""
    text = data.decode("utf-8", "surrogateescape")
    words = list(re.finditer(r"-?\d+(?:\.\d+)?|\w+|[^\w\s]", text))
    for word in sorted(rng.sample(words, min(len(words), rng.choice([1, 1, 2, 4]))), key=lambda m: -m.start()):
        kind = rng.randrange(5)
        new = (
            rng.choice(ODD), rng.choice(words)[0], "", word[0] * rng.choice([2, 1000]),
            rng.choice("[{(<\"'") * rng.choice([1, 5000]),
        )[kind]  # fmt: skip
        text = text[: word.start()] + new + text[word.end() :]
    return text.encode("utf-8", "surrogateescape")


def rezipped(data: bytes, rng: random.Random) -> bytes:
    """Change a member of a zip archive, or leave it out, or repeat it."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        names = old.namelist()
        chosen = rng.choice(names)
        for name in names:
            content = old.read(name)
            if name == chosen:
                if rng.random() < 0.1:
                    continue
                content = (rewritten if name.endswith((".xml", ".rels", ".kml")) and rng.random() < 0.7 else changed)(
                    content, rng
                )
            new.writestr(name, content)
    return made.getvalue()


def requeried(path: Path, rng: random.Random) -> None:
    """Change a GeoPackage through SQLite: a cell, a table of the standard, a view, a trigger."""
    with sqlite3.connect(path) as database:
        tables = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        table = rng.choice(tables)
        columns = [row[1] for row in database.execute(f'PRAGMA table_info("{table}")')]
        odd = rng.choice([None, -1, 2**62, "", "x", b"", b"GP\x00\x01", float("inf"), "\x1b[2J", "POINT"])
        new, default = rng.choice(["id", "geom2", "a b", "🏠"]), rng.choice(["1", "NULL"])
        statements: list[tuple[str, tuple[Any, ...]]] = [
            (f'UPDATE "{table}" SET "{rng.choice(columns)}" = ?', (odd,)),
            (f'DELETE FROM "{table}"', ()),
            (f'DROP TABLE "{table}"', ()),
            (f'ALTER TABLE "{table}" ADD COLUMN "{new}" BLOB DEFAULT {default}', ()),
            (f'UPDATE "{table}" SET "{rng.choice(columns)}" = randomblob(40)', ()),
        ]
        for statement, values in rng.sample(statements, rng.choice([1, 1, 2])):
            try:
                database.execute(statement, values)
            except sqlite3.Error:
                continue
    database.close()


def mutate(seed: Path, target: Path, kind: str, rng: random.Random) -> None:
    """Copy the seed file or folder, with one of its files changed."""
    if seed.is_dir():
        shutil.copytree(seed, target)
        file = rng.choice(sorted(p for p in target.rglob("*") if p.is_file()))
    else:
        for part in seed.parent.glob("seed.*"):
            shutil.copy(part, target.with_name(part.name.replace("seed", "file", 1)))
        file = rng.choice(sorted(target.parent.iterdir()))
    data = file.read_bytes()
    if rng.random() < 0.02:
        file.write_bytes(b"")
    elif rng.random() < 0.05:
        file.unlink()
    elif kind == "gpkg" and rng.random() < 0.5:
        requeried(file, rng)
    elif kind in ("xlsx", "kmz", "zip") and rng.random() < 0.7:
        file.write_bytes(rezipped(data, rng))
    elif (kind in TEXT or file.suffix in (".prj", ".cpg", ".json", ".tab")) and rng.random() < 0.6:
        file.write_bytes(rewritten(data, rng))
    else:
        file.write_bytes(changed(data, rng))


def readers(folder: Path) -> dict[str, Callable[[Path], Any]]:
    """Return what reads each kind of file."""
    import siting as st

    def layer(path: Path) -> Any:
        frame = st.read_layer(path, "communities", crs=None)
        return frame.to_crs(4326) if len(frame) else frame

    kinds: dict[str, Callable[[Path], Any]] = {
        "study": st.Study.from_toml,
        "standard": lambda path: st.load_standard(path),
        "role": st.data.Role.from_toml,
        "mapping": lambda path: st.read_layer(folder / "csv" / "seed.csv", "communities", mapping=path),
        "gpx": lambda path: st.read_layer(path, "candidates").to_crs(4326),
        "dxf": lambda path: st.read_layer(path, "candidates", crs="EPSG:4549").to_crs(4326),
        "osm": st.Network.from_osm,
        "pbf": st.Network.from_osm,
        "graphml": lambda path: st.Network.from_graph(path),
        "network": lambda path: st.travel(st.Network.load(path), *_places(), metres=300),
    }
    return {each.name: kinds.get(each.name, layer) for each in folder.iterdir() if each.is_dir()}


def _places() -> tuple[Any, Any]:
    import geopandas as gpd

    at = gpd.GeoDataFrame(
        geometry=gpd.points_from_xy([530_010.0, 530_150.0], [3_380_003.0, 3_380_080.0]), crs="EPSG:4547"
    )
    return at, at


def seed_of(folder: Path) -> Path:
    """Return the file or folder of a seed whose name the reader takes."""
    names = sorted(p for p in folder.iterdir() if p.name.split(".")[0] == "seed")
    first = [p for p in names if p.suffix in (".shp", ".tab", ".mif")]
    return (first or names)[0]


def attempt(root: Path, kind: str, number: int, read: Callable[[Path], Any]) -> dict[str, Any]:
    """Read one mutant of a kind; say what came of it."""
    from siting.errors import SitingError

    seed, place = seed_of(root / kind), root / f"{kind}-{number}"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    target = place / f"file{''.join(seed.suffixes)}"
    mutate(seed, target, kind, random.Random(f"{kind} {number}"))
    found = {}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            read(target)
            found["read"] = ""
        except SitingError as fault:
            found["refused"] = str(fault)
        except BaseException as fault:
            frames = [f for f in traceback.extract_tb(fault.__traceback__) if "/siting/" in f.filename]
            at = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "?"
            found["foreign"] = f"{type(fault).__name__}: {str(fault)[:150]} ({at})"
        gc.collect()  # files that were left open
    if caught:
        found["warned"] = "; ".join(f"{w.category.__name__}: {str(w.message)[:100]}" for w in caught)
    if "foreign" not in found:
        shutil.rmtree(place, ignore_errors=True)
    return found


def main() -> None:
    """Read the mutants that are asked for, as ``KIND NUMBER`` on standard input; answer each with a line of JSON."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    root = Path(sys.argv[1])
    read = readers(root)
    gc.freeze()  # what is there now is not looked at again
    for line in sys.stdin:
        kind, number = line.split()
        sys.stdout.write(json.dumps(attempt(root, kind, int(number), read[kind])) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
