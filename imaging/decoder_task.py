"""What `imaging.decoder_client` lets a child do; loads the codecs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imaging.codec import decode_words
from imaging.header import InstanceHeader


def decoded(header: InstanceHeader, *_prepared: object) -> NDArray[np.integer]:
    """Return the (rows, columns) words of a slice in the machine's byte order.

    What its decoder needs is prepared where the arguments are unpickled.
    """
    words = decode_words(header)
    native = words.astype(words.dtype.newbyteorder("="), order="C", copy=False)
    return native.reshape(header.rows or 0, header.columns or 0)
