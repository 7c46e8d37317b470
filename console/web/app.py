"""The console: which pages there are. ``console/web/server.py`` serves it."""

from __future__ import annotations

import streamlit as st

from console.web.access import admitted
from console.web.parts import pages
from console.web.watch import watch

# What is looked at anew every second stays as legible as the rest meanwhile; links show in both themes.
STYLE = """
<style>
[data-stale="true"] { opacity: 1 !important; transition: none !important; }
[data-testid="stCaptionContainer"] { color: inherit !important; opacity: 1 !important; }
.stHtml a { color: inherit; text-underline-offset: .2em; }
</style>
"""

st.set_page_config(page_title="Shipline", page_icon="⛵", layout="wide")
st.html(STYLE)
page = st.navigation(list(pages().values()), expanded=True)
if admitted():
    watch()
    page.run()
