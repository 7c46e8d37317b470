"""The endpoints: one file a topic, each with a ``router``."""

from __future__ import annotations

from gateway.paths import register

register()  # before the routes that use it are made

from gateway.routes import (  # noqa: E402
    adapters,
    agents,
    code,
    deployments,
    health,
    hosts,
    ideas,
    installing,
    issues,
    settings,
    steps,
    webhooks,
)

TOPICS = (
    ideas, issues, agents, adapters, code, deployments, hosts, steps, settings, installing, webhooks, health,
)  # fmt: skip
ROUTERS = tuple(topic.router for topic in TOPICS)
