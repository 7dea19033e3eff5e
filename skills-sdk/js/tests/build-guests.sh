#!/bin/sh
# Builds the guests whose names are given, or all, into their openclaw/skill.wasm. Needs the toolchain: npm ci in ../toolchain.
set -eu
tests=$(cd "$(dirname "$0")" && pwd)
repository=$(cd "$tests/../../.." && pwd)
[ $# -gt 0 ] || set -- $(ls "$tests/guests")
for guest in "$@"; do
  project="$tests/guests/$guest"
  wit=$(mktemp -d)
  node "$tests/world.mjs" --manifest "$project/openclaw/skill.toml" --contract "$repository/wit" --out "$wit"
  node "$tests/../build.mjs" --project "$project" --entry src/index.ts --wit "$wit" --world "$guest" \
    --toolchain "$tests/../toolchain" --out "$project/openclaw/skill.wasm"
  rm -r "$wit"
done
