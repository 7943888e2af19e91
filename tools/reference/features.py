"""Writes test/fixtures/features/: small files of features as other programs store them.

    python3 tools/reference/features.py

By numpy and h5py (Debian: python3-numpy python3-h5py). Row n of an array of N rows holds
n * 100 + 0, 1, 2, ... in row-major order; the ids are a.jpg, b.jpg, c.jpg.
"""

import tempfile
from pathlib import Path

import h5py
import numpy as np

OUT = Path(__file__).resolve().parents[2] / "test" / "fixtures" / "features"
IDS = ["a.jpg", "b.jpg", "c.jpg"]


def rows(*shape, dtype="<f4"):
    one = np.arange(np.prod(shape)).reshape(shape)
    return np.stack([one + 100 * n for n in range(len(IDS))]).astype(dtype)


OUT.mkdir(parents=True, exist_ok=True)
for name, dtype in {"f16": "<f2", "f32": "<f4", "f64": "<f8"}.items():
    np.save(OUT / f"vectors-{name}.npy", rows(4, dtype=dtype))
np.save(OUT / "channels-first.npy", rows(5, 2, 3))
np.save(OUT / "channels-last.npy", rows(2, 3, 5))
np.save(OUT / "columns.npy", np.asfortranarray(rows(4)))
np.save(OUT / "big-endian.npy", rows(4, dtype=">f4"))
np.save(OUT / "ids.npy", np.array(IDS))
np.savez(OUT / "stored.npz", features=rows(4), ids=np.array(IDS))
np.savez_compressed(OUT / "deflated.npz", features=rows(4, 5), ids=np.array([7, 8, 9]))
with h5py.File(OUT / "features.h5", "w") as file:
    file.create_dataset("features", data=rows(4))
    file.create_dataset("grids/half", data=rows(4, 5, dtype="<f2"), chunks=(1, 4, 5), compression="gzip")
    file["ids"] = [name.encode() for name in IDS]

# Five gibibytes of which only the head is kept; test/features/large-files.test.ts puts rows behind it.
with tempfile.NamedTemporaryFile(suffix=".h5") as large:
    with h5py.File(large.name, "w") as file:
        space = h5py.h5s.create_simple((5000, 64, 4096))
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
        plist.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
        array = h5py.h5d.create(file.id, b"features", h5py.h5t.IEEE_F32LE, space, plist)
        assert array.get_offset() == 2048
    (OUT / "large-head.h5").write_bytes(Path(large.name).open("rb").read(2048))
with h5py.File(OUT / "kinds.h5", "w") as file:
    file["big-endian"] = rows(4, dtype=">f4")
    file["texts"] = np.array(["a", "bé", ""], dtype=h5py.string_dtype())
    file["numbers"] = np.array([7, 8, 2**40])
    file["records"] = np.zeros(3, dtype=[("a", "i4"), ("b", "f8")])
    file.create_dataset("lists", shape=(2,), dtype=h5py.vlen_dtype("i4"))
    file["scalar"] = 3
    file["nothing"] = h5py.Empty("f4")
    file.create_dataset("promised", shape=(3, 2**40), dtype="<f4", chunks=(1, 1024))
    file["nowhere"] = h5py.SoftLink("/no/array")
    file["elsewhere"] = h5py.ExternalLink("no-such-file.h5", "/x")

COURSE = OUT.parent / "cs231n"
COURSE.mkdir(exist_ok=True)
with h5py.File(COURSE / "coco2014_captions.h5", "w") as file:
    file["train_captions"] = np.array([[1, 4, 5, 2, 0], [1, 6, 3, 5, 2], [1, 4, 2, 0, 0]], "<i4")
    file["train_image_idxs"] = np.array([2, 0, 2], "<i4")
    file["val_captions"] = np.array([[1, 6, 5, 2, 0]], "<i4")
    file["val_image_idxs"] = np.array([1], "<i4")
(COURSE / "coco2014_vocab.json").write_text(
    '{"idx_to_word": ["<NULL>", "<START>", "<END>", "<UNK>", "a", "dog", "the"]}\n'
)
for part, images in {"train": [0, 1, 2], "val": [3, 0]}.items():
    with h5py.File(COURSE / f"{part}2014_vgg16_fc7_pca.h5", "w") as file:
        file["features"] = np.eye(4, dtype="<f4")[images]
(COURSE / "train2014_urls.txt").write_text("http://a\nhttp://b\nhttp://c\n")
