#!/usr/bin/env bash
# Make the secrets of compose.yaml that can be made up, each where it is missing. Run it once, keep the folder safe.
set -euo pipefail
cd "$(dirname "$0")"
umask 077
random() { python3 -c 'import secrets; print(secrets.token_urlsafe(32), end="")'; }
make() { [ -s "$1" ] || { printf '%s' "$2" > "$1"; echo "made $1"; }; }

make mongodb_password "$(random)"
make postgres_password "$(random)"
make mongodb_key "$(python3 -c 'import base64, secrets; print(base64.b64encode(secrets.token_bytes(500)).decode(), end="")')"
make shipline_mongodb_uri "mongodb://shipline:$(cat mongodb_password)@mongodb:27017/?replicaSet=shipline&authSource=admin"
make shipline_dispatch_secret "$(random)"
make shipline_api_tokens "{\"me\": \"admin:$(random)\"}"
make shipline_webhook_secrets "[\"$(random)\"]"
make shipline_oidc_cookie_secret "$(random)"
# Keys of agents that you may not use: an empty file is none, and compose wants one to be there.
for optional in nvidia_api_key cursor_api_key; do
  [ -e "$optional" ] || : > "$optional"
  [ -s "$optional" ] || echo "empty: $optional (only needed where its agents are used)"
done
# The folder keeps others out; inside of a container another user reads the files.
chmod 0700 .
find . -maxdepth 1 -type f ! -name make.sh ! -name .gitignore -exec chmod 0444 {} +
for needed in github_app_key shipline_oidc_client_secret; do
  [ -s "$needed" ] || echo "missing: $needed (docs/deploy.md says where it comes from)"
done
