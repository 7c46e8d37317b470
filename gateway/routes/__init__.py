"""The endpoints: one file a topic, each with a ``router``."""

from __future__ import annotations

from gateway.routes import agents, code, deployments, health, hosts, ideas, issues, webhooks

ROUTERS = tuple(topic.router for topic in (ideas, issues, agents, code, deployments, hosts, webhooks, health))
