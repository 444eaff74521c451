"""Entry of `python -m sumdiam`."""

from sumdiam.cli import main

if __name__ == "__main__":
    main()
