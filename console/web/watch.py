"""What every page stands on: it says so when the ledger or Prefect does not answer, and recovers by itself."""

from __future__ import annotations

import streamlit as st

from console.bridge import bridge
from console.view.inert import quoted
from console.web.parts import AWAY
from shipline.config import load_settings
from shipline.errors import ConfigError, ShiplineError, Unavailable

EVERY = 3.0  # seconds between two looks
PREFECT = 4.0  # seconds that an answer about Prefect is good for


@st.fragment(run_every=EVERY)
def watch() -> None:
    """Say what does not answer. When the ledger is back, everything on the page is asked anew."""
    away = _ledger()
    if away:
        st.session_state[AWAY] = True
        st.warning(f"{quoted(away)}\n\nThis page looks again by itself.", icon=":material/cloud_off:")
    elif st.session_state.pop(AWAY, False):
        st.rerun()
    if said := bridge().glance("prefect", _prefect, PREFECT):
        st.warning(
            f"{quoted(said)}\n\nWhat is shown is the ledger's and right. Nothing can be started or resumed until "
            "Prefect answers; this page looks again by itself.",
            icon=":material/cloud_off:",
        )


def _ledger() -> str:
    """What is wrong with it; nothing when it answers."""
    try:
        bridge().ping()
    except (Unavailable, ConfigError) as error:
        return str(error)
    except TimeoutError:
        return "The ledger takes very long to answer."
    return ""


async def _prefect() -> str:
    """What is wrong with Prefect; nothing when it answers, or when there is none to ask."""
    from deployments.prefect_server import check_prefect

    url = load_settings().prefect_api_url
    try:
        if url:
            await check_prefect(url)
    except ShiplineError as error:
        return str(error)
    return ""
