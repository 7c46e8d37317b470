"""The tables. What git knows (branches, tags, commits) is asked of git and never stored here."""

from __future__ import annotations

TABLES = """
CREATE TABLE IF NOT EXISTS accounts (
    id INTEGER PRIMARY KEY AUTOINCREMENT, login TEXT NOT NULL UNIQUE COLLATE NOCASE, type TEXT NOT NULL,
    created_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS repos (
    id INTEGER PRIMARY KEY AUTOINCREMENT, owner TEXT NOT NULL COLLATE NOCASE, name TEXT NOT NULL COLLATE NOCASE,
    description TEXT, homepage TEXT, private INTEGER NOT NULL DEFAULT 0, is_template INTEGER NOT NULL DEFAULT 0,
    archived INTEGER NOT NULL DEFAULT 0, has_issues INTEGER NOT NULL DEFAULT 1,
    delete_branch_on_merge INTEGER NOT NULL DEFAULT 0, default_branch TEXT NOT NULL DEFAULT 'main',
    template_id INTEGER, last_number INTEGER NOT NULL DEFAULT 0,
    created_at TEXT NOT NULL, updated_at TEXT NOT NULL, pushed_at TEXT NOT NULL, UNIQUE (owner, name));
CREATE TABLE IF NOT EXISTS labels (
    id INTEGER PRIMARY KEY AUTOINCREMENT, repo_id INTEGER NOT NULL REFERENCES repos ON DELETE CASCADE,
    name TEXT NOT NULL COLLATE NOCASE, color TEXT NOT NULL, description TEXT, UNIQUE (repo_id, name));
CREATE TABLE IF NOT EXISTS issues (
    id INTEGER PRIMARY KEY AUTOINCREMENT, repo_id INTEGER NOT NULL REFERENCES repos ON DELETE CASCADE,
    number INTEGER NOT NULL, title TEXT NOT NULL, body TEXT, state TEXT NOT NULL DEFAULT 'open', state_reason TEXT,
    login TEXT NOT NULL, type TEXT, assignees TEXT NOT NULL DEFAULT '[]', is_pull INTEGER NOT NULL DEFAULT 0,
    parent_id INTEGER REFERENCES issues ON DELETE SET NULL, place REAL NOT NULL DEFAULT 0,
    created_at TEXT NOT NULL, updated_at TEXT NOT NULL, closed_at TEXT, closed_by TEXT, UNIQUE (repo_id, number));
CREATE INDEX IF NOT EXISTS issues_parent ON issues (parent_id, place);
CREATE TABLE IF NOT EXISTS issue_labels (
    issue_id INTEGER NOT NULL REFERENCES issues ON DELETE CASCADE,
    label_id INTEGER NOT NULL REFERENCES labels ON DELETE CASCADE, PRIMARY KEY (issue_id, label_id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS issue_labels_label ON issue_labels (label_id);
CREATE TABLE IF NOT EXISTS blockers (
    issue_id INTEGER NOT NULL REFERENCES issues ON DELETE CASCADE,
    blocker_id INTEGER NOT NULL REFERENCES issues ON DELETE CASCADE,
    PRIMARY KEY (issue_id, blocker_id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS blockers_blocker ON blockers (blocker_id);
CREATE TABLE IF NOT EXISTS comments (
    id INTEGER PRIMARY KEY AUTOINCREMENT, repo_id INTEGER NOT NULL REFERENCES repos ON DELETE CASCADE,
    issue_id INTEGER NOT NULL REFERENCES issues ON DELETE CASCADE, login TEXT NOT NULL, body TEXT NOT NULL,
    created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS comments_issue ON comments (issue_id);
CREATE TABLE IF NOT EXISTS pulls (
    id INTEGER PRIMARY KEY AUTOINCREMENT, repo_id INTEGER NOT NULL REFERENCES repos ON DELETE CASCADE,
    issue_id INTEGER NOT NULL UNIQUE REFERENCES issues ON DELETE CASCADE, head_ref TEXT NOT NULL,
    head_sha TEXT NOT NULL, base_ref TEXT NOT NULL, base_sha TEXT NOT NULL, draft INTEGER NOT NULL DEFAULT 0,
    merged_at TEXT, merged_by TEXT, merge_sha TEXT);
CREATE INDEX IF NOT EXISTS pulls_head ON pulls (repo_id, head_ref);
CREATE TABLE IF NOT EXISTS reviews (
    id INTEGER PRIMARY KEY AUTOINCREMENT, pull_id INTEGER NOT NULL REFERENCES pulls ON DELETE CASCADE,
    login TEXT NOT NULL, state TEXT NOT NULL, body TEXT NOT NULL, commit_id TEXT NOT NULL, submitted_at TEXT);
CREATE INDEX IF NOT EXISTS reviews_pull ON reviews (pull_id);
CREATE TABLE IF NOT EXISTS review_comments (
    id INTEGER PRIMARY KEY AUTOINCREMENT, repo_id INTEGER NOT NULL REFERENCES repos ON DELETE CASCADE,
    pull_id INTEGER NOT NULL REFERENCES pulls ON DELETE CASCADE,
    review_id INTEGER REFERENCES reviews ON DELETE CASCADE, in_reply_to INTEGER, login TEXT NOT NULL,
    body TEXT NOT NULL, path TEXT NOT NULL, commit_id TEXT NOT NULL, line INTEGER, side TEXT NOT NULL,
    start_line INTEGER, start_side TEXT, position INTEGER, subject_type TEXT NOT NULL,
    diff_hunk TEXT NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS review_comments_pull ON review_comments (pull_id);
CREATE TABLE IF NOT EXISTS releases (
    id INTEGER PRIMARY KEY AUTOINCREMENT, repo_id INTEGER NOT NULL REFERENCES repos ON DELETE CASCADE,
    tag_name TEXT NOT NULL, target TEXT NOT NULL, name TEXT, body TEXT, draft INTEGER NOT NULL,
    prerelease INTEGER NOT NULL, make_latest TEXT NOT NULL, login TEXT NOT NULL, created_at TEXT NOT NULL,
    published_at TEXT);
CREATE TABLE IF NOT EXISTS release_assets (
    id INTEGER PRIMARY KEY AUTOINCREMENT, repo_id INTEGER NOT NULL REFERENCES repos ON DELETE CASCADE,
    release_id INTEGER NOT NULL REFERENCES releases ON DELETE CASCADE, name TEXT NOT NULL, label TEXT,
    content_type TEXT NOT NULL, size INTEGER NOT NULL, digest TEXT NOT NULL, login TEXT NOT NULL,
    created_at TEXT NOT NULL, UNIQUE (release_id, name));
CREATE TABLE IF NOT EXISTS statuses (
    id INTEGER PRIMARY KEY AUTOINCREMENT, repo_id INTEGER NOT NULL REFERENCES repos ON DELETE CASCADE,
    sha TEXT NOT NULL, login TEXT NOT NULL, state TEXT NOT NULL, context TEXT NOT NULL, description TEXT,
    target_url TEXT, created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS statuses_sha ON statuses (repo_id, sha);
CREATE TABLE IF NOT EXISTS workflow_runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT, repo_id INTEGER NOT NULL REFERENCES repos ON DELETE CASCADE,
    name TEXT NOT NULL, path TEXT NOT NULL, title TEXT NOT NULL, event TEXT NOT NULL, sha TEXT NOT NULL,
    status TEXT NOT NULL, conclusion TEXT, created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS check_runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT, repo_id INTEGER NOT NULL REFERENCES repos ON DELETE CASCADE,
    sha TEXT NOT NULL, name TEXT NOT NULL, status TEXT NOT NULL, conclusion TEXT, details_url TEXT,
    output TEXT NOT NULL, started_at TEXT NOT NULL, completed_at TEXT);
CREATE INDEX IF NOT EXISTS check_runs_sha ON check_runs (repo_id, sha);
CREATE TABLE IF NOT EXISTS rulesets (
    id INTEGER PRIMARY KEY AUTOINCREMENT, repo_id INTEGER NOT NULL REFERENCES repos ON DELETE CASCADE,
    name TEXT NOT NULL, enforcement TEXT NOT NULL, conditions TEXT NOT NULL, rules TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS environments (
    id INTEGER PRIMARY KEY AUTOINCREMENT, repo_id INTEGER NOT NULL REFERENCES repos ON DELETE CASCADE,
    name TEXT NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL, UNIQUE (repo_id, name));
CREATE TABLE IF NOT EXISTS deployments (
    id INTEGER PRIMARY KEY AUTOINCREMENT, repo_id INTEGER NOT NULL REFERENCES repos ON DELETE CASCADE,
    sha TEXT NOT NULL, ref TEXT NOT NULL, task TEXT NOT NULL, environment TEXT NOT NULL, description TEXT NOT NULL,
    payload TEXT NOT NULL, login TEXT NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS deployment_statuses (
    id INTEGER PRIMARY KEY AUTOINCREMENT, deployment_id INTEGER NOT NULL REFERENCES deployments ON DELETE CASCADE,
    login TEXT NOT NULL, state TEXT NOT NULL, log_url TEXT NOT NULL, environment_url TEXT NOT NULL,
    description TEXT NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS variables (
    id INTEGER PRIMARY KEY AUTOINCREMENT, repo_id INTEGER NOT NULL REFERENCES repos ON DELETE CASCADE,
    name TEXT NOT NULL, value TEXT NOT NULL, UNIQUE (repo_id, name));
CREATE TABLE IF NOT EXISTS artifacts (
    id INTEGER PRIMARY KEY AUTOINCREMENT, repo_id INTEGER NOT NULL REFERENCES repos ON DELETE CASCADE,
    run_id INTEGER NOT NULL, name TEXT NOT NULL, size INTEGER NOT NULL, digest TEXT NOT NULL,
    created_at TEXT NOT NULL, expires_at TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS artifacts_name ON artifacts (repo_id, name);
CREATE TABLE IF NOT EXISTS hook_deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT, guid TEXT NOT NULL, event TEXT NOT NULL, action TEXT,
    repository_id INTEGER NOT NULL, payload TEXT NOT NULL, status_code INTEGER NOT NULL,
    redelivery INTEGER NOT NULL, delivered_at TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS releases_repo ON releases (repo_id, tag_name);
"""

# On GitHub no two kinds of id are alike and none is a number; starting them apart makes a mix-up fail here too.
FIRST_IDS = {
    "accounts": 58_000_000,
    "repos": 640_000_000,
    "labels": 5_700_000_000,
    "issues": 2_900_000_000,
    "comments": 1_800_000_000,
    "pulls": 2_100_000_000,
    "reviews": 2_400_000_000,
    "review_comments": 1_500_000_000,
    "releases": 190_000_000,
    "release_assets": 210_000_000,
    "statuses": 30_000_000_000,
    "hook_deliveries": 120_000_000_000,
}
