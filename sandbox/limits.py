"""The hourly allowance. Without one nothing is counted: this machine needs no protection from its owner."""

from __future__ import annotations

import time

from sandbox.answers import Refused

_HOUR = 3600


class Limits:
    """Requests per login and hour; ``hourly`` None allows everything and says so in round numbers."""

    def __init__(self, hourly: int | None) -> None:
        self._hourly = hourly
        self._windows: dict[str, tuple[int, int]] = {}  # login → (end of the window, used)

    def use(self, login: str) -> None:
        """Count one request; Refused when the hour's are used up."""
        if self._hourly is None:
            return
        end, used = self._window(login)
        if used >= self._hourly:
            raise Refused(403, f"API rate limit exceeded for user {login}.", headers=self.headers(login))
        self._windows[login] = (end, used + 1)

    def state(self, login: str) -> dict[str, int]:
        """``limit``, ``used``, ``remaining`` and ``reset`` as of now."""
        end, used = self._window(login)
        limit = self._hourly if self._hourly is not None else 5000
        return {"limit": limit, "used": used, "remaining": limit - used, "reset": end}

    def headers(self, login: str) -> dict[str, str]:
        """The same as the headers of an answer."""
        about = {f"X-RateLimit-{name.capitalize()}": str(value) for name, value in self.state(login).items()}
        return about | {"X-RateLimit-Resource": "core"}

    def _window(self, login: str) -> tuple[int, int]:
        end, used = self._windows.get(login, (0, 0))
        return (end, used) if end > time.time() else (int(time.time()) + _HOUR, 0)
