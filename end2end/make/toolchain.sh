# Finds or makes a Rust compiler that can also build for the browser. To be sourced by setup.sh.
#
# First choice: the toolchain that is there, with the browser target that it has or that rustup can
# download. Where rustup's server cannot be reached (an air-gapped build, a company mirror), Debian's
# compiler for its own browsers (rustc-web) takes its place, with the browser target's standard
# library compiled from Debian's source package.

TARGET=wasm32-unknown-unknown
# Set by prepare_toolchain: the name for RUSTUP_TOOLCHAIN (empty: none), and where a matching lld lies.
TOOLCHAIN= LLD_DIR=
FALLBACK_NAME=ferry-debian
FALLBACK_PACKAGES="rustc-web cargo-web rust-web-src rust-web-llvm rustfmt-web rust-web-clippy"

# can_build [TOOLCHAIN]: has this toolchain cargo, clippy, rustfmt, a new enough rustc and the target?
can_build() {
    new_enough "${1:-}" && with_toolchain "${1:-}" cargo fmt --version >/dev/null 2>&1 &&
        with_toolchain "${1:-}" cargo clippy --version >/dev/null 2>&1 && has_target "${1:-}"
}

new_enough() {
    local version; version=$(with_toolchain "${1:-}" rustc --version 2>/dev/null | awk '{print $2}') || return 1
    [ -n "$version" ] && version_at_least "$version" "$MIN_RUST"
}

has_target() {
    local dir; dir=$(with_toolchain "${1:-}" rustc --print target-libdir --target $TARGET 2>/dev/null) || return 1
    compgen -G "$dir/libstd-*.rlib" >/dev/null
}

with_toolchain() {
    local toolchain=$1; shift
    if [ -n "$toolchain" ]; then RUSTUP_TOOLCHAIN=$toolchain "$@"; else "$@"; fi
}

prepare_toolchain() {
    unset RUSTUP_TOOLCHAIN
    have rustup || [ ! -x "$HOME/.cargo/bin/rustup" ] || PATH=$HOME/.cargo/bin:$PATH
    if can_build ""; then
        find_lld ""
        return
    fi
    if have rustup && can_build "$FALLBACK_NAME"; then
        TOOLCHAIN=$FALLBACK_NAME
        find_lld "$TOOLCHAIN"
        return
    fi
    if have rustup && from_rust_servers; then
        find_lld "$TOOLCHAIN"
        return
    fi
    from_debian
    find_lld "$TOOLCHAIN"
}

# Lets rustup download what is missing. Fails within a minute and a half where its server is out of reach.
from_rust_servers() {
    say "Asking rustup for the $TARGET target"
    if new_enough "" && timeout 90 rustup target add $TARGET >/dev/null 2>&1 &&
        timeout 300 rustup component add clippy rustfmt >/dev/null 2>&1 && can_build ""; then
        return 0
    fi
    if timeout 600 rustup toolchain install stable --profile minimal --component clippy,rustfmt --target $TARGET >/dev/null 2>&1 &&
        can_build stable; then
        TOOLCHAIN=stable
        return 0
    fi
    note "rustup cannot download it here."
    return 1
}

from_debian() {
    have apt-get || die "Rust $MIN_RUST or newer with the $TARGET target is missing: install it from https://rustup.rs, then run this again."
    note "Falling back to Debian's rustc-web, with the browser's standard library built from source."
    # shellcheck disable=SC2086
    [ -x /usr/bin/rustc ] && /usr/bin/cargo --version >/dev/null 2>&1 && [ -d /usr/lib/rustlib/src ] ||
        apt_install "Debian's Rust compiler" $FALLBACK_PACKAGES
    local version; version=$(/usr/bin/rustc --version | awk '{print $2}')
    version_at_least "$version" "$MIN_RUST" ||
        die "Debian's rustc is $version, but $MIN_RUST is needed: install Rust from https://rustup.rs and run this again."
    local llvm; llvm=$(/usr/bin/rustc -vV | sed -n 's/^LLVM version: \([0-9]*\).*/\1/p')
    [ -x "/usr/bin/ld.lld-$llvm" ] || apt_install "the linker of LLVM $llvm" "lld-$llvm"
    if have rustup; then
        rustup toolchain link "$FALLBACK_NAME" /usr
        TOOLCHAIN=$FALLBACK_NAME
    else
        TOOLCHAIN=
        PATH=/usr/bin:$PATH
    fi
    has_target "$TOOLCHAIN" || build_standard_library
    can_build "$TOOLCHAIN" || die "Debian's Rust packages do not work together: run 'rustc -vV' and 'cargo clippy --version' in a shell to see why."
}

# Compiles std for the browser target once and puts it where rustc looks for it.
build_standard_library() {
    say "Building Rust's standard library for the browser (about 2 minutes, once per machine)"
    local dir; dir=$(mktemp -d "$CACHE/std.XXXXXX")
    mkdir "$dir/src"
    printf '[package]\nname = "throwaway"\nversion = "0.0.0"\nedition = "2021"\n[lib]\ncrate-type = ["cdylib"]\n' >"$dir/Cargo.toml"
    : >"$dir/src/lib.rs"
    (cd "$dir" && CARGO_TARGET_DIR=$dir/target RUSTC_BOOTSTRAP=1 with_toolchain "$TOOLCHAIN" \
        cargo build --release -Zbuild-std=std,panic_abort --target $TARGET) ||
        die "the standard library for the browser could not be built: see cargo's message above; crates.io or a mirror of it must be reachable."
    local libdir; libdir=$(with_toolchain "$TOOLCHAIN" rustc --print sysroot)/lib/rustlib/$TARGET/lib
    as_root mkdir -p "$libdir"
    find "$dir/target/$TARGET/release/deps" -name 'lib*.rlib' ! -name '*throwaway*' -print0 |
        as_root xargs -0 cp -t "$libdir"
    rm -rf "$dir"
}

# lld links Ferry in a third of the time of Debian's ld; it is used when it is there.
find_lld() {
    local llvm; llvm=$(with_toolchain "$1" rustc -vV | sed -n 's/^LLVM version: \([0-9]*\).*/\1/p')
    if [ -x "/usr/lib/llvm-$llvm/bin/ld.lld" ]; then LLD_DIR=/usr/lib/llvm-$llvm/bin; fi
}

# Writes down what was found. The linker's flags are the same for every build, so that no step
# compiles the dependencies a second time.
write_env() {
    local cache=$CACHE host path
    [ "$CACHE" != "$HOME/.cache/ferry" ] || cache='$HOME/.cache/ferry'
    host=$(with_toolchain "$TOOLCHAIN" rustc -vV | sed -n 's/^host: //p' | tr 'a-z-' 'A-Z_')
    path="$cache/tools/bin:$cache/tools/node_modules/.bin"
    if [ -z "$TOOLCHAIN" ] && [ "$(command -v rustc)" = /usr/bin/rustc ]; then path+=":/usr/bin"; fi
    if have rustup && [ "$(command -v rustup)" = "$HOME/.cargo/bin/rustup" ]; then
        case ":$ORIGINAL_PATH:" in *":$HOME/.cargo/bin:"*) ;; *) path+=':$HOME/.cargo/bin' ;; esac
    fi
    {
        [ -z "$TOOLCHAIN" ] || echo "export RUSTUP_TOOLCHAIN=$TOOLCHAIN"
        echo "export CARGO_TARGET_DIR=$cache/target"
        echo "export PATH=$path:\$PATH"
        [ -z "$LLD_DIR" ] || echo "export CARGO_TARGET_${host}_RUSTFLAGS=\"-Clink-arg=-fuse-ld=lld -Clink-arg=-B$LLD_DIR\""
        echo "export CARGO_INCREMENTAL=1"
    } >"$CACHE/env.sh.new"
    mv "$CACHE/env.sh.new" "$CACHE/env.sh"
}
