"""``shipline``, and ``python -m console``, which is the same."""

from __future__ import annotations

import os
import signal
from types import FrameType


def main() -> None:
    """The entry point."""
    # While modules are imported nothing has been started. A KeyboardInterrupt there is at the mercy of any `except:`.
    usual = signal.getsignal(signal.SIGINT)
    if usual is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave)
    from console.program import program, run

    app = program()
    signal.signal(signal.SIGINT, usual)
    run(app)


def _leave(_number: int, _frame: FrameType | None) -> None:
    os.write(2, b"Stopped.\n")
    os._exit(130)


if __name__ == "__main__":
    main()
