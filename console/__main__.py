"""``python -m console`` is ``shipline``."""

from console.cli import main

if __name__ == "__main__":
    main()
