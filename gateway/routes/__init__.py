"""The endpoints: one file a topic, each with a ``router``."""

from __future__ import annotations

from gateway.paths import register

register()  # before the routes that use it are made

from gateway.routes import (  # noqa: E402
    adapters,
    agents,
    code,
    deployments,
    gates,
    health,
    hosts,
    ideas,
    installing,
    issues,
    projects,
    steps,
    webhooks,
)

_TOPICS = (
    ideas, gates, issues, agents, adapters, projects, code, deployments, hosts, steps, installing, webhooks, health,
)  # fmt: skip
ROUTERS = tuple(topic.router for topic in _TOPICS)
