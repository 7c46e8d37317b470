"""The pages of ours that a browser sees while an App is made and installed: plain HTML, all of it escaped."""

from __future__ import annotations

from html import escape

from tasks.github.founding import Founded, Manifest
from tasks.github.identity import EVENTS, PERMISSIONS
from tasks.github.installing import Installed

# The form may only be sent where it says; nothing else is loaded, and nobody frames it.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
}
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:3rem auto;padding:0 1rem;color-scheme:light dark}"
    "pre{overflow:auto;padding:1rem;border:1px solid #8886;border-radius:6px}"
    "button{font:inherit;padding:.5rem 1.2rem;border-radius:6px;border:1px solid #8888;cursor:pointer}"
)


def new_app(form: Manifest) -> str:
    """What the App will be, and the button that goes to GitHub."""
    permissions = "".join(f"<li>{escape(name.replace('_', ' '))}: {level}</li>" for name, level in PERMISSIONS.items())
    return _page(
        "Make the GitHub App",
        "<p>GitHub shows what follows once more and asks you for a name. Afterwards it sends you back here.</p>"
        f"<form method='post' action='{escape(form.action)}'>"
        f"<input type='hidden' name='manifest' value='{escape(form.manifest)}'>"
        "<button>Go on to GitHub</button></form>"
        f"<h2>Permissions</h2><ul>{permissions}</ul><h2>Webhooks</h2><p>{escape(', '.join(EVENTS))}</p>",
    )


def app_made(made: Founded) -> str:
    """What there is now, and what comes next."""
    settings = (
        f"export SHIPLINE_GITHUB_APP_ID={made.app_id}\n"
        f"export SHIPLINE_GITHUB_APP_KEY={made.key}\n"
        f'export SHIPLINE_WEBHOOK_SECRETS="[\\"$(cat {made.webhook_secret})\\"]"\n'
        "unset SHIPLINE_GITHUB_TOKEN"
    )
    return _page(
        f"{made.slug} is made",
        "<p>Its key and its webhook secret are kept on this server, for its owner alone. Configure Shipline with them, "
        f"and start it again:</p><pre>{escape(settings)}</pre>"
        "<p>Then <code>shipline app install</code> says where it is installed on the repositories that Shipline is to "
        "work on, and <code>shipline doctor</code> whether anything is missing.</p>",
    )


def app_installed(found: Installed) -> str:
    """Where the App is installed now."""
    lacks = (
        f"<p>Not accepted there yet: {escape(', '.join(found.lacks))}. Settings, GitHub Apps, Review request.</p>"
        if found.lacks
        else ""
    )
    which = "all of its repositories" if found.repositories == "all" else "the repositories that you chose"
    return _page(
        f"Installed on {found.account}",
        f"<p>Shipline sees {which}. Label an issue <code>shipline</code>, or start a run: "
        f"<code>shipline run --help</code>.</p>{lacks}",
    )


def _page(title: str, body: str) -> str:
    return (
        f"<!doctype html><html lang='en'><head><meta charset='utf-8'><title>{escape(title)} · Shipline</title>"
        f"<meta name='viewport' content='width=device-width'><style>{_STYLE}</style></head>"
        f"<body><h1>{escape(title)}</h1>{body}</body></html>"
    )
