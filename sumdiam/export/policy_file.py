"""The policies that a command is given: the name of a set, or a TOML file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assessment import PolicySet


def is_policy_file(given: str) -> bool:
    """Whether what was given names a file, and no set."""
    return Path(given).suffix.lower() == ".toml"


def policy_set(given: str) -> PolicySet:
    """Return the policies of a named set, or of a file.

    Parameters
    ----------
    given : str
        ``default`` or ``seed``; or a file that ends in ``.toml``: ``set = "seed"``, then
        ``policy = "value"`` lines.

    Raises
    ------
    PolicyError
        If there is no such set or file, or the file says what is not known.
    """
    from assessment import PolicyError, PolicySet, read_policies

    if not is_policy_file(given):
        return PolicySet(given)
    path = Path(given)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        msg = f"{path.name}: cannot be read ({error.strerror}). Check the path and its permissions."
        raise PolicyError(msg) from None
    except UnicodeDecodeError:
        msg = f"{path.name}: is not UTF-8 text. Save it as UTF-8."
        raise PolicyError(msg) from None
    return read_policies(text, path.name)
