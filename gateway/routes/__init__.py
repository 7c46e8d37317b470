"""The endpoints: one file a topic, each with a ``router``."""

from __future__ import annotations

from gateway.paths import register

register()  # before the routes that use it are made

from gateway.routes import (  # noqa: E402
    adapters,
    agents,
    audit,
    code,
    control,
    deployments,
    gates,
    health,
    hosts,
    ideas,
    installing,
    issues,
    projects,
    settings,
    steps,
    webhooks,
)

_TOPICS = (
    ideas, control, gates, issues, agents, adapters, projects, code, deployments, settings, audit, hosts, steps,
    installing, webhooks, health,
)  # fmt: skip
ROUTERS = tuple(topic.router for topic in _TOPICS)
