"""The entropy-coded part of JPEG lossless as compiled loops: each bit is accounted for.

Source: ITU-T T.81, C.2 (codes), F.2.2 (decoding), F.1.2.3 (padding), H.1.2 and H.2 (prediction).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imaging import machine_code

QUICK_BITS = 13
"""A code with its difference is mostly shorter than this, and then found in one look."""

Words = NDArray[np.uint32]
Bytes = NDArray[np.uint8]
Number = int | np.int64


@machine_code.compiled
def unstuff(data: Bytes, begin: int, words: Words) -> tuple[int, int]:
    """Write coded bytes, up to a marker, as 32-bit words; return how many bytes, and the place.

    The zero after each 0xFF is left out. The words beyond are left as they were.
    """
    place, count = begin, 0
    word: Number = 0
    while place < data.size:
        byte = np.int64(data[place])
        if byte == 0xFF:
            if place + 1 >= data.size or data[place + 1] != 0:
                break
            place += 1
        place += 1
        word = word << 8 | byte
        count += 1
        if count & 3 == 0:
            words[(count >> 2) - 1] = word
            word = 0
    left = count & 3
    if left:
        rest = 8 * (4 - left)
        words[count >> 2] = word << rest | ((1 << rest) - 1)
    return count, place


@machine_code.compiled
def _long_code(held: np.uint64, whole: NDArray[np.uint16]) -> tuple[Number, Number]:
    """Return the bits and the difference of the code that 64 bits begin with; 0 bits for none."""
    code = np.int64(whole[held >> np.uint64(48)])
    length, size = code >> 8, code & 255
    if size == 0:
        return length, 0
    if size == 16:
        return length, 1 << 15
    difference = np.int64(held << np.uint64(length) >> np.uint64(64 - size))
    if difference >> (size - 1) == 0:
        difference -= (1 << size) - 1
    return length + size, difference


@machine_code.compiled
def fill_tables(
    counts: Bytes, sizes: Bytes, whole: NDArray[np.uint16], quick: NDArray[np.int32]
) -> bool:
    """Write what the next bits mean; return whether the codes are those of a prefix code.

    ``counts`` are how many codes have 1 to 16 bits, ``sizes`` the bits of the difference that each
    announces. ``whole`` (65536) gets, for the next 16 bits, bits of the code times 256 plus those
    of the difference, 0 for no code; ``quick`` gets the difference times 64 plus the bits of both,
    0 where they do not fit.
    """
    whole[:] = 0
    code, k = 0, 0
    for length in range(1, 17):
        for _ in range(counts[length - 1]):
            first, after = code << (16 - length), (code + 1) << (16 - length)
            if after > 65536:
                return False
            whole[first:after] = length << 8 | np.int64(sizes[k])
            code += 1
            k += 1
        code <<= 1
    for bits in range(1 << QUICK_BITS):
        taken, difference = _long_code(np.uint64(bits) << np.uint64(64 - QUICK_BITS), whole)
        quick[bits] = difference * 64 + taken if taken <= QUICK_BITS else 0
    return True


@machine_code.compiled
def _predicted(predictor: int, left: Number, above: Number, above_left: Number) -> Number:
    """Return what a sample is predicted to be by its neighbours (H.1.2.1)."""
    if predictor == 1:
        return left
    if predictor == 2:
        return above
    if predictor == 3:
        return above_left
    if predictor == 4:
        return left + above - above_left
    if predictor == 5:
        return left + ((above - above_left) >> 1)
    if predictor == 6:
        return above + ((left - above_left) >> 1)
    return (left + above) >> 1


@machine_code.compiled
def decode_rows(
    words: Words, whole: NDArray[np.uint16], quick: NDArray[np.int32], out: NDArray[np.uint16],
    predictor: int, start: int,
) -> Number:  # fmt: skip
    """Decode the rows of one restart interval; return the bits used, -1 where a code is none.

    ``words`` must go on for one more row than there are bits, since only then one looks whether
    there are any left. ``start`` is the prediction of the first sample.
    """
    held, k = np.uint64(0), 0
    have: Number = 0
    used: Number = 0
    left: Number
    length: Number
    difference: Number
    predicted: Number
    most = 32 * (words.size - out.shape[1] - 2)
    for y in range(out.shape[0]):
        if used > most:
            break
        left = above_left = np.int64(start if y == 0 else out[y - 1, 0])
        for x in range(out.shape[1]):
            if have <= 32:
                held |= np.uint64(words[k]) << np.uint64(32 - have)
                have += 32
                k += 1
            entry = np.int64(quick[held >> np.uint64(64 - QUICK_BITS)])
            length, difference = entry & 63, entry >> 6
            if length == 0:
                length, difference = _long_code(held, whole)
                if length == 0:
                    return -1
            held <<= np.uint64(length)
            have -= length
            used += length
            predicted = left
            if x and y and predictor != 1:
                above = np.int64(out[y - 1, x])
                predicted = _predicted(predictor, left, above, above_left)
                above_left = above
            left = (predicted + difference) & 0xFFFF
            out[y, x] = left
    return used
