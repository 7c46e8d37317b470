"""The endpoints: one file a topic, each with a ``router``. A new topic is a new file and a line here."""

from __future__ import annotations

from sandbox.routes import (
    accounts,
    actions,
    app_routes,
    branches,
    checks,
    comments,
    commits,
    contents,
    dependencies,
    deployments,
    dispatches,
    faults,
    git_objects,
    git_refs,
    graphql,
    hook_deliveries,
    issues,
    labels,
    pull_merge,
    pulls,
    release_files,
    releases,
    repos,
    review_comments,
    reviews,
    smart_http,
    sub_issues,
)

# Whole topics that a server may lack; it then answers 404 to them.
OPTIONAL = {"sub-issues": sub_issues.router, "dependencies": dependencies.router}
ROUTERS = tuple(
    topic.router
    for topic in (
        accounts, app_routes, repos, labels, issues, comments, sub_issues, dependencies, git_refs, git_objects,
        branches, checks, commits, contents, pulls, pull_merge, reviews, review_comments, graphql, releases,
        release_files, smart_http, dispatches, deployments, actions, hook_deliveries, faults,
    )
)  # fmt: skip
