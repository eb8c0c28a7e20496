#!/usr/bin/env python3
"""Makes the MNIST subset of this folder: the first 10,000 training samples and all 10,000 test samples.

usage: make_subset.py FULL [DEST]

FULL holds the four files of the whole set, gzipped (train-images-idx3-ubyte.gz) or plain
(train-images-idx3-ubyte). DEST is this script's folder unless given. The result depends only on FULL: the gzip
header holds no time stamp and no file name.
"""

import gzip
import math
import pathlib
import struct
import sys
import zlib

SAMPLES = 10_000
FILES = {  # name -> number of dimensions
    "train-images-idx3-ubyte": 3,
    "train-labels-idx1-ubyte": 1,
    "t10k-images-idx3-ubyte": 3,
    "t10k-labels-idx1-ubyte": 1,
}


def read(folder, name):
    """The uncompressed bytes of a file that may be gzipped."""
    plain = folder / name
    return plain.read_bytes() if plain.exists() else gzip.decompress((folder / (name + ".gz")).read_bytes())


def first_samples(name, data, rank):
    """The IDX file `data` cut down to its first SAMPLES samples. An IDX header is the bytes 0, 0, element
    type (8: unsigned byte), rank, and then `rank` big-endian 32-bit sizes of which the first counts samples."""
    header = 4 + 4 * rank
    if len(data) < header or data[:4] != bytes([0, 0, 8, rank]):
        sys.exit(f"{name}: expected an IDX file of unsigned bytes with {rank} dimension(s), found {data[:4].hex(' ')}")
    count, *shape = struct.unpack(f">{rank}I", data[4:header])
    size = math.prod(shape)
    if len(data) != header + count * size:
        sys.exit(f"{name}: expected {header + count * size} bytes, found {len(data)}")
    if count < SAMPLES:
        sys.exit(f"{name}: expected at least {SAMPLES} samples, found {count}")
    return data[:4] + struct.pack(">I", SAMPLES) + data[8 : header + SAMPLES * size]


def compress(data):
    """gzip at level 9. zlib writes the header itself (wbits 31), without a name and with time 0."""
    compressor = zlib.compressobj(level=9, wbits=31, memLevel=9)
    return compressor.compress(data) + compressor.flush()


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    full = pathlib.Path(sys.argv[1])
    dest = pathlib.Path(sys.argv[2]) if len(sys.argv) == 3 else pathlib.Path(__file__).resolve().parent
    for name, rank in FILES.items():
        (dest / (name + ".gz")).write_bytes(compress(first_samples(name, read(full, name), rank)))


if __name__ == "__main__":
    main()
