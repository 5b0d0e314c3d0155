# Shared by the scripts beside it: messages, the cache's place, root rights, timed steps.
# To be sourced, not run. It changes nothing on the machine.

set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/ferry
TOOLS=$CACHE/tools
SITE=$ROOT/target/site
# What cargo-leptos needs to be compiled; Ferry itself is content with the `rust-version` of Cargo.toml.
MIN_RUST=1.96
export NPM_CONFIG_FUND=false NPM_CONFIG_AUDIT=false NPM_CONFIG_UPDATE_NOTIFIER=false

say() { printf '\033[1m==> %s\033[0m\n' "$*"; }
note() { printf '    %s\n' "$*"; }
die() { printf '\033[1mStopped:\033[0m %s\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# Runs a command with root's rights, by sudo when we are somebody else.
as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif have sudo; then sudo "$@"
    else die "installing packages needs root's rights: install sudo, or run this once as root."
    fi
}

# apt_install WHY PACKAGE...: installs Debian packages, or says which are wanted where there is no apt.
apt_install() {
    local why=$1; shift
    have apt-get || die "$why is missing: install it with your system's package manager (Debian calls it: $*) and run this again."
    say "Installing $why ($*)"
    local log; log=$(mktemp)
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq update >"$log" 2>&1 || note "apt-get update had a complaint; going on."
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install "$@" >"$log" 2>&1 || {
        tail -n 15 "$log" >&2
        die "$why could not be installed: see apt's message above (packages: $*)."
    }
    rm -f "$log"
}

# version_at_least HAVE WANTED
version_at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

# Loads what setup.sh has found out about this machine.
load_env() {
    [ -r "$CACHE/env.sh" ] || die "the tools are not set up yet: run 'make setup' first."
    # shellcheck source=/dev/null
    . "$CACHE/env.sh"
    export npm_config_cache=${npm_config_cache:-$CACHE/npm}
    claim_target
}

# All clones build into one folder, and cargo tells their sources apart by the files' times only: what another clone
# built last could pass for ours. So the first build after another clone's compiles our own crates again.
claim_target() {
    local mark=$CARGO_TARGET_DIR/last-clone
    [ "$(cat "$mark" 2>/dev/null)" != "$ROOT" ] || return 0
    mkdir -p "$CARGO_TARGET_DIR"
    (cd "$ROOT" && git ls-files -- '*/lib.rs' '*/main.rs' '*/mod.rs' '*/tests/*.rs' '*/build.rs' | xargs -r touch)
    printf '%s\n' "$ROOT" >"$mark"
}

# Version of a package as Cargo.lock holds it.
locked_version() { awk -v name="name = \"$1\"" '$0 == name { getline; gsub(/version = |"/, ""); print; exit }' "$ROOT/Cargo.lock"; }

# ---- timed steps -------------------------------------------------------------------------------
STEP_NAMES=() STEP_SECONDS=()

# step NAME COMMAND...: runs the command, remembers how long it took; stops the script when it fails.
step() {
    local name=$1 start=$SECONDS; shift
    say "$name"
    "$@" || { local code=$?; remember_step "$name" "$start" " (failed)"; print_times; exit "$code"; }
    remember_step "$name" "$start"
}

remember_step() {
    STEP_NAMES+=("$1${3:-}")
    STEP_SECONDS+=($((SECONDS - $2)))
}

print_times() {
    local i
    say "Time of each step"
    for i in "${!STEP_NAMES[@]}"; do
        printf '    %-44s %3d min %02d s\n' "${STEP_NAMES[$i]}" $((STEP_SECONDS[i] / 60)) $((STEP_SECONDS[i] % 60))
    done
    printf '    %-44s %3d min %02d s\n' "all together" $((SECONDS / 60)) $((SECONDS % 60))
}

# A port of this machine that nothing listens on.
free_port() { node -e 'const s=require("net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})'; }

# wait_for_url URL SECONDS NAME: until the address answers with a success.
wait_for_url() {
    local until=$((SECONDS + $2))
    until curl -fsS -o /dev/null --max-time 2 "$1" 2>/dev/null; do
        [ "$SECONDS" -lt "$until" ] || die "$3 did not answer at $1 within $2 seconds."
        sleep 0.2
    done
}
