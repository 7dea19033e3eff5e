# Shared by the scripts beside it: what they say, and what they make sure of.

say() {
    printf '\n== %s\n' "$*"
}

# Shows a command as one would type it, and runs it.
run() {
    printf '\n$'
    for word in "$@"; do
        case "$word" in
            *[!A-Za-z0-9_./:=,@%+-]*) printf " '%s'" "$word" ;;
            *) printf ' %s' "$word" ;;
        esac
    done
    printf '\n'
    "$@"
}

# Guests are compiled for this target, which a Rust toolchain does not bring along.
need_wasm_target() {
    if ! [ -d "$(rustc --print target-libdir --target wasm32-wasip2)" ]; then
        say "adding the Rust target wasm32-wasip2"
        rustup target add wasm32-wasip2
    fi
}

# The test runner.
need_nextest() {
    if ! cargo nextest --version >/dev/null 2>&1; then
        say "installing cargo-nextest"
        cargo install --quiet --locked cargo-nextest
    fi
}

# What drives libFuzzer.
need_cargo_fuzz() {
    if ! cargo fuzz --version >/dev/null 2>&1; then
        say "installing cargo-fuzz"
        cargo install --quiet --locked cargo-fuzz
    fi
}

# A keyring that the tests start for themselves, and a session bus to reach it by.
need_keyring() {
    if command -v gnome-keyring-daemon >/dev/null 2>&1 && command -v dbus-run-session >/dev/null 2>&1; then
        return
    fi
    say "installing gnome-keyring and dbus"
    if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
        apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends gnome-keyring dbus
    else
        echo "the tests start a keyring: install the packages gnome-keyring and dbus (dbus-run-session must be there)" >&2
        exit 1
    fi
}

# A real database server, which the tests of the registry start for themselves.
need_postgres() {
    if command -v initdb >/dev/null 2>&1 || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; then
        return
    fi
    say "installing PostgreSQL"
    if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
        apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends postgresql
    else
        echo "the tests start a PostgreSQL server: install the package postgresql (initdb and postgres must be there)" >&2
        exit 1
    fi
}

# The Python and the TypeScript client of MCP, which the tests drive a server with: in the directory that is given, by
# whoever comes first.
need_mcp_clients() {
    local clients="$1" sources
    sources="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/tests/clients"
    mkdir -p "$clients"
    (
        flock 9
        if ! cmp -s "$sources/python/requirements.txt" "$clients/python/installed.txt"; then
            say "installing the Python client of MCP"
            rm -rf "$clients/python"
            python3 -m venv "$clients/python"
            "$clients/python/bin/pip" install --quiet --disable-pip-version-check -r "$sources/python/requirements.txt"
            cp "$sources/python/requirements.txt" "$clients/python/installed.txt"
        fi
        if ! cmp -s "$sources/node/package.json" "$clients/node/installed.json"; then
            say "installing the TypeScript client of MCP"
            rm -rf "$clients/node"
            mkdir "$clients/node"
            cp "$sources/node/package.json" "$clients/node/"
            npm install --silent --no-package-lock --prefix "$clients/node"
            cp "$sources/node/package.json" "$clients/node/installed.json"
        fi
    ) 9>"$clients/.lock"
}

# What sends to the gateway whatever its OpenAPI document allows, and what reads its metrics as Prometheus does.
need_schemathesis() {
    local python="${CARGO_TARGET_DIR:-target}/tests/python"
    if ! [ -x "$python/bin/schemathesis" ]; then
        say "installing schemathesis"
        python3 -m venv "$python"
        "$python/bin/pip" install --quiet 'schemathesis>=4,<5' prometheus-client
    fi
}
