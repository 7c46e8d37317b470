"""The endpoints: one file a topic, each with a ``router``."""

from __future__ import annotations

from gateway.paths import register

register()  # before the routes that use it are made

from gateway.routes import agents, code, deployments, health, hosts, ideas, installing, issues, webhooks  # noqa: E402

ROUTERS = tuple(
    topic.router for topic in (ideas, issues, agents, code, deployments, hosts, installing, webhooks, health)
)
