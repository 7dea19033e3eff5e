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

# Packages of the system that the tests use, by what they are for: installed where that is possible, else named.
need_packages() {
    local purpose="$1"
    shift
    say "installing $*"
    if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
        apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends "$@"
    else
        echo "the tests $purpose: install the packages $*" >&2
        exit 1
    fi
}

has() {
    command -v "$1" >/dev/null 2>&1
}

# A keyring that the tests start for themselves, and a session bus to reach it by.
need_keyring() {
    has gnome-keyring-daemon && has dbus-run-session || need_packages "start a keyring" gnome-keyring dbus
}

# A real database server, which the tests of the registry start for themselves.
need_postgres() {
    has initdb || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || need_packages "start a PostgreSQL server" postgresql
}

# What runs the clients of others that the tests drive a server with.
need_python_and_node() {
    has python3 && python3 -c 'import ensurepip' 2>/dev/null || need_packages "run clients in Python" python3 python3-venv
    has npm || need_packages "run clients in TypeScript" nodejs npm
    has curl || need_packages "run the README's commands" curl
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
