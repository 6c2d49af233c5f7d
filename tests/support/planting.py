"""Plant every kind of fault into a copy of a clean data set, and keep account of what was planted.

The copies are class trees with a training and a test part that share no patient. Each planter takes
such a tree and returns what an audit has to find in it.
"""

import hashlib
import io
import struct
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from dlmath.audit.findings import Finding
from dlmath.data.sources import ImageRecord


@dataclass(frozen=True)
class Planted:
    """A fault: which one, and the files (relative to the tree) that a finding names together."""

    fault: str
    kind: str  # of the finding
    files: tuple[str, ...]

    def is_found(self, findings: Iterable[Finding]) -> bool:
        """Whether a finding of the kind has all the files in one group."""
        groups = [group for one in findings if one.kind == self.kind for group in one.groups]
        return any(set(self.files) <= set(group) for group in groups)


def copy_as_split(examples: Iterable[ImageRecord], root: Path, *, test_share: float = 0.2) -> Path:
    """Copy images to `{train,test}/{class}/` below `root`, every patient to one of the parts."""
    for example in examples:
        # Salted: some of the real sets were themselves selected by the plain hash of the patient.
        owner = hashlib.sha256(f"part of {example.patient or example.sha256}".encode()).digest()
        part = "test" if owner[0] < 256 * test_share else "train"
        path = root / part / example.label / Path(example.file).name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(example.path.read_bytes())
    return root


def images_of(root: Path, random: np.random.Generator, pattern: str = "*/*/*") -> list[Path]:
    """Return the images of a tree in random order."""
    paths = sorted(root.glob(pattern))
    return [paths[number] for number in random.permutation(len(paths))]


# Faults of files: what a file's bytes are replaced by.


def encoded(image: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _decoded(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data)).convert("RGB")


def _damaged(data: bytes) -> bytes:
    png = bytearray(encoded(_decoded(data), "PNG"))
    png[png.index(b"IDAT") + 12] ^= 0xFF
    return bytes(png)


def _without_half(data: bytes) -> bytes:
    jpeg = encoded(_decoded(data), "JPEG")
    return jpeg[: (len(jpeg) + jpeg.index(b"\xff\xda")) // 2] + b"\xff\xd9"


def _animated(data: bytes) -> bytes:
    image = _decoded(data)
    other = Image.fromarray(255 - np.asarray(image))
    return encoded(image, "PNG", save_all=True, append_images=[other])


def _sixteen_bits(data: bytes) -> bytes:
    grey = np.asarray(_decoded(data).convert("L")).astype(np.uint16) * 257
    return encoded(Image.fromarray(grey), "PNG")


def bomb(data: bytes) -> bytes:
    ihdr = b"IHDR" + struct.pack(">IIBBBBB", 20_000, 20_000, 8, 0, 0, 0, 0)
    chunk = struct.pack(">I", 13) + ihdr + struct.pack(">I", zlib.crc32(ihdr))
    return b"\x89PNG\r\n\x1a\n" + chunk + data


def _with_alpha(data: bytes) -> bytes:
    image = _decoded(data)
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    return encoded(image, "PNG")


def _turned(data: bytes) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(_decoded(data).transpose(Image.Transpose.ROTATE_90), "JPEG", exif=exif)


FILE_FAULTS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "empty": ("empty", lambda data: b""),
    "truncated": ("truncated", lambda data: data[: len(data) * 2 // 3]),
    "cut in its header": ("truncated", lambda data: data[:20]),
    "damaged": ("damaged", _damaged),
    "data lost in the middle": ("lost-data", _without_half),
    "text": ("mislabelled", lambda data: b"This is a note about the image.\n"),
    "GIF": ("wrong-ending", lambda data: encoded(_decoded(data), "GIF")),
    "PDF": ("mislabelled", lambda data: b"%PDF-1.7\n" + data),
    "animated": ("animated", _animated),
    "CMYK": ("cmyk-converted", lambda data: encoded(_decoded(data).convert("CMYK"), "JPEG")),
    "16 bits": ("more-than-8-bits", _sixteen_bits),
    "bomb": ("oversized", bomb),
    "alpha": ("alpha", _with_alpha),
    "palette": ("palette", lambda data: encoded(_decoded(data).convert("P"), "PNG")),
    "turned": ("rotated", _turned),
}


def plant_file_faults(root: Path, random: np.random.Generator, each: int) -> list[Planted]:
    """Replace `each` files by each of FILE_FAULTS, and as many by broken links."""
    paths = iter(images_of(root, random))
    planted = []
    for fault, (kind, spoil) in FILE_FAULTS.items():
        for _ in range(each):
            path = next(paths)
            path.write_bytes(spoil(path.read_bytes()))
            planted.append(Planted(fault, kind, (_name(root, path),)))
    for _ in range(each):
        path = next(paths)
        path.unlink()
        path.symlink_to(root / "nowhere.png")
        planted.append(Planted("broken link", "unreadable", (_name(root, path),)))
    return planted


# Copies: what is done to the pixels of one.

Edit = Callable[[Image.Image, np.random.Generator], Image.Image]


def _re_encoded(image: Image.Image, random: np.random.Generator) -> Image.Image:
    return _decoded(encoded(image, "JPEG", quality=int(random.integers(30, 96))))


def _resized(image: Image.Image, random: np.random.Generator) -> Image.Image:
    scale = random.uniform(0.5, 1.5)
    width, height = (max(8, round(side * scale)) for side in image.size)
    return image.resize((width, height), Image.Resampling.LANCZOS)


def _brightened(image: Image.Image, random: np.random.Generator) -> Image.Image:
    shift = random.choice([-1, 1]) * random.uniform(10, 40)
    return image.point(lambda level: level + shift)


def _contrast(image: Image.Image, random: np.random.Generator) -> Image.Image:
    factor = random.choice([random.uniform(0.7, 0.9), random.uniform(1.1, 1.3)])
    return image.point(lambda level: 128 + factor * (level - 128))


def _cropped(image: Image.Image, random: np.random.Generator) -> Image.Image:
    width, height = image.size
    left, top = random.uniform(0, 0.05 * width), random.uniform(0, 0.05 * height)
    box = (round(left), round(top), round(left + 0.95 * width), round(top + 0.95 * height))
    return image.crop(box)


def _mirrored(image: Image.Image, random: np.random.Generator) -> Image.Image:
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


def _all_at_once(image: Image.Image, random: np.random.Generator) -> Image.Image:
    for edit in (_cropped, _resized, _brightened, _re_encoded):
        image = edit(image, random)
    return image


EDITS: dict[str, Edit] = {
    "re-encoded": _re_encoded,
    "resized": _resized,
    "brightened": _brightened,
    "contrast changed": _contrast,
    "cropped by 5 %": _cropped,
    "mirrored": _mirrored,
    "cropped, resized, brightened and re-encoded": _all_at_once,
}


def plant_edited_copies(root: Path, random: np.random.Generator, each: int) -> list[Planted]:
    """Add `each` copies by each of EDITS, into the other part of the split.

    They are of images that are there once: a copy of one of two twins would be one of both.
    """
    paths = iter(_without_twins(images_of(root, random)))
    planted = []
    for fault, edit in EDITS.items():
        for number in range(each):
            source = next(paths)
            copy = _other_part(root, source) / f"edited-{fault.replace(' ', '-')}-{number}.png"
            edit(_decoded(source.read_bytes()), random).save(copy)
            planted.append(_pair(root, fault, "near-duplicates-across-splits", source, copy))
    return planted


def _without_twins(paths: Sequence[Path]) -> list[Path]:
    contents = [hashlib.sha256(path.read_bytes()).digest() for path in paths]
    times = Counter(contents)
    return [path for path, content in zip(paths, contents, strict=True) if times[content] == 1]


def plant_identical_copies(root: Path, random: np.random.Generator, each: int) -> list[Planted]:
    """Add copies with the same bytes or pixels: in their own folder, another part or class."""
    paths = iter(images_of(root, random))
    planted = []
    for number in range(each):
        for fault, kind, folder_of in (
            ("same bytes, same folder", "identical", lambda p: p.parent),
            ("same bytes, other part", "identical-across-splits", lambda p: _other_part(root, p)),
            ("same bytes, other class", "identical-across-classes", _other_class),
        ):
            source = next(paths)
            copy = folder_of(source) / f"copy-{number}-{kind}{source.suffix}"
            copy.write_bytes(source.read_bytes())
            planted.append(_pair(root, fault, kind, source, copy))
        source = next(paths)
        copy = _other_part(root, source) / f"copy-{number}-pixels.png"
        _decoded(source.read_bytes()).save(copy)
        planted.append(
            _pair(root, "same pixels, other part", "identical-across-splits", source, copy)
        )
    return planted


def plant_patients(root: Path, random: np.random.Generator, each: int) -> list[Planted]:
    """Add, in the other part, images of patients under new names, of kinds equal and unequal."""
    planted = []
    drawn = np.random.default_rng(0)
    for number in range(each):
        for fault, kind, other in (
            ("patient on both sides", "patients-across-splits", "bacteria"),
            ("number on both sides", "patient-numbers-across-splits", "virus"),
        ):
            patient = f"person{90_000 + 2 * number + (other == 'virus')}"
            folder = sorted(path for path in (root / "train").iterdir() if path.is_dir())[-1]
            names = (f"{patient}_bacteria_1.png", f"{patient}_{other}_2.png")
            paths = (folder / names[0], _other_part(root, folder / "any") / names[1])
            for path in paths:
                pixels = drawn.integers(0, 256, (48, 48, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(path)
            planted.append(_pair(root, fault, kind, *paths))
    return planted


def _pair(root: Path, fault: str, kind: str, first: Path, second: Path) -> Planted:
    return Planted(fault, kind, (_name(root, first), _name(root, second)))


def _name(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix()


def _other_part(root: Path, path: Path) -> Path:
    part = path.relative_to(root).parts[0]
    return root / {"train": "test", "test": "train"}[part] / path.parent.name


def _other_class(path: Path) -> Path:
    return next(folder for folder in sorted(path.parents[1].iterdir()) if folder != path.parent)


# Traps of folders: what is done to a tree, and the kind of finding.


def _folder(path: Path) -> Path:
    path.mkdir(parents=True)
    return path


def _some_image(root: Path) -> Path:
    return sorted((root / "train").glob("*/*"))[0]


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(source.read_bytes())


def _rename_class(root: Path, change: Callable[[str], str]) -> None:
    folder = sorted((root / "test").iterdir())[0]
    folder.rename(folder.with_name(change(folder.name)))


def _remove_class(root: Path, parts: Sequence[str]) -> None:
    name = sorted(path.name for path in (root / "test").iterdir())[0]
    for part in parts:
        for path in sorted((root / part / name).iterdir(), reverse=True):
            path.unlink()
        (root / part / name).rmdir()


def _link_out(root: Path) -> None:
    outside = root.with_name(f"{root.name}-outside.png")
    Image.effect_noise((40, 40), 50).save(outside)
    (_some_image(root).parent / "link.png").symlink_to(outside)


FOLDER_TRAPS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "empty class": ("empty-class", lambda root: _folder(root / "train" / "Doubtful")),
    "stray folder": ("stray-folder", lambda root: _folder(root / "old")),
    "only one class": ("one-class", lambda root: _remove_class(root, ("train", "test"))),
    "class in one part": ("class-in-some-parts", lambda root: _remove_class(root, ("test",))),
    "class name with a blank": (
        "class-spelling",
        lambda root: _rename_class(root, "{} ".format),
    ),
    "class name in another case": (
        "class-spelling",
        lambda root: _rename_class(root, str.swapcase),
    ),
    "nested folder": ("nested-folder", lambda root: _folder(_some_image(root).parent / "more")),
    "hidden file": ("hidden-files", lambda root: (root / "train" / ".DS_Store").write_bytes(b"x")),
    "leftover": ("hidden-files", lambda root: (root / "test" / "Thumbs.db").write_bytes(b"x")),
    "JPEG 2000 in a class": (
        "other-image-formats",
        lambda root: (_some_image(root).parent / "a.jp2").write_bytes(b"x"),
    ),
    "link to nothing in a class": (
        "dead-links",
        lambda root: (_some_image(root).parent / "link").symlink_to("gone.png"),
    ),
    "second copy of the classes": (
        "second-copy",
        lambda root: _copy(
            _some_image(root), root / "train" / "all" / _some_image(root).parent.name / "v.png"
        ),
    ),
    "text in a class": (
        "other-files",
        lambda root: (_some_image(root).parent / "notes.txt").write_text("x"),
    ),
    "link that leaves the root": ("links-out", _link_out),
    "image outside a class": (
        "images-outside-classes",
        lambda root: _copy(_some_image(root), root / "train" / "loose.png"),
    ),
    "val next to train": (
        "val-merged",
        lambda root: _copy(
            _some_image(root), root / "val" / _some_image(root).parent.name / "v.png"
        ),
    ),
}
