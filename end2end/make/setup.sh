#!/usr/bin/env bash
# Installs what building and testing Ferry needs, and skips what is there already.
#
#   setup.sh web    compiler, browser target, wasm-bindgen, wasm-opt, sass     (for the demo and a release)
#   setup.sh all    the same, and cargo-leptos; Chromium; PostgreSQL; libfaketime (for tests and development)
#
# What it finds out about the machine goes to ~/.cache/ferry/env.sh, which the other scripts read.
. "$(dirname "$0")/lib.sh"
ORIGINAL_PATH=$PATH
. "$ROOT/end2end/make/toolchain.sh"

WHAT=${1:-all}
case $WHAT in web | all) ;; *) die "setup.sh knows 'web' and 'all', not '$WHAT'." ;; esac

[ "$(uname -s)" = Linux ] || die "these scripts know Linux only: on another system, use a Linux container or machine."
mkdir -p "$TOOLS/bin"

install_basics() {
    local missing=()
    have cc || missing+=(gcc libc6-dev)
    have curl || missing+=(curl ca-certificates)
    have git || missing+=(git)
    have brotli || missing+=(brotli)
    { have node && have npm; } || missing+=(nodejs npm)
    [ ${#missing[@]} = 0 ] || apt_install "what every build needs" "${missing[@]}"
    have_new_node || PATH=$TOOLS/bin:$PATH
    have_new_node || install_node
}

have_new_node() { version_at_least "$(node --version | tr -d v)" 20.19; }

# Debian 12 has Node.js 18, which the browser test tools refuse. npm carries newer ones.
install_node() {
    local cpu; cpu=$(uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/')
    say "Installing a newer Node.js than $(node --version) from npm"
    npm install --prefix "$TOOLS/nodejs" --no-save --no-progress --loglevel=error "node-linux-$cpu@22" ||
        die "Node.js 20.19 or newer is needed: install it, then run this again."
    ln -sf "$TOOLS/nodejs/node_modules/node-linux-$cpu/bin/node" "$TOOLS/bin/node"
    hash -r
    have_new_node || die "Node.js 20.19 or newer is needed: install it, then run this again."
}

# The JavaScript tools, from the lock file in end2end, kept in the cache for all clones.
install_node_tools() {
    local wanted; wanted=$(sha256sum "$ROOT/end2end/package-lock.json" | cut -c 1-64)
    if [ "$(cat "$TOOLS/node.lock" 2>/dev/null)" != "$wanted" ]; then
        say "Installing wasm-opt, sass and the browser test tools from npm (about 1 minute)"
        cp "$ROOT/end2end/package.json" "$ROOT/end2end/package-lock.json" "$TOOLS/"
        (cd "$TOOLS" && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --omit=optional --ignore-scripts --no-progress --loglevel=error) ||
            die "npm could not install the packages of end2end/package.json: check that the npm registry can be reached."
        echo "$wanted" >"$TOOLS/node.lock"
    fi
    if [ ! -e "$ROOT/end2end/node_modules" ] || [ -L "$ROOT/end2end/node_modules" ]; then
        ln -sfn "$TOOLS/node_modules" "$ROOT/end2end/node_modules"
    fi
}

# install_crate CRATE VERSION OPT-LEVEL MINUTES [cargo options]: a command line tool from crates.io. Its own
# release profile would cost four times the build time for a tool that runs for seconds.
install_crate() {
    local crate=$1 version=$2 level=$3 minutes=$4; shift 4
    say "Building $crate $version (about $minutes minutes on 2 cores, once per machine)"
    CARGO_TARGET_DIR=$CACHE/target-tools CARGO_PROFILE_RELEASE_LTO=off \
        CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_OPT_LEVEL=$level \
        cargo install "$crate" --version "$version" --root "$TOOLS" --force "$@" ||
        die "$crate could not be built: see cargo's message above; crates.io or a mirror of it must be reachable."
}

# wasm-bindgen's file format belongs to one patch version of the crate: the two must be equal.
install_wasm_bindgen() {
    local wanted; wanted=$(locked_version wasm-bindgen)
    [ "$(wasm-bindgen --version 2>/dev/null | awk '{print $2}')" = "$wanted" ] ||
        install_crate wasm-bindgen-cli "$wanted" 1 4
}

install_cargo_leptos() {
    local wanted=0.3.11
    [ "$(cargo-leptos --version 2>/dev/null | awk '{print $2}')" = "$wanted" ] ||
        install_crate cargo-leptos "$wanted" 0 10 --locked --features no_downloads
}

# Takes the place of the machine's clock, for the test that sets it under the program.
have_faketime() { compgen -G '/usr/lib/*/faketime/libfaketimeMT.so.1' || compgen -G '/usr/lib64/faketime/libfaketimeMT.so.1'; } >/dev/null

install_test_servers() {
    local missing=()
    have chromium || have google-chrome || missing+=(chromium)
    find_postgres >/dev/null || missing+=(postgresql)
    have_faketime || missing+=(libfaketime)
    [ ${#missing[@]} = 0 ] || apt_install "what the tests run against" "${missing[@]}"
    find_postgres >/dev/null || die "PostgreSQL's programs initdb and postgres are missing: install your system's PostgreSQL server package."
}

. "$ROOT/end2end/make/postgres.sh"

install_basics
prepare_toolchain
write_env
load_env
install_node_tools
install_wasm_bindgen
if [ "$WHAT" = all ]; then
    install_test_servers
    install_cargo_leptos
fi
note "$(rustc --version); browser target, wasm-bindgen $(wasm-bindgen --version | awk '{print $2}') and wasm-opt are ready."
