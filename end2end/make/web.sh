#!/usr/bin/env bash
# Builds what the browser loads into target/site: pkg/ferry.js, pkg/ferry.wasm, pkg/ferry.css and the
# files of public/. These are the files that `cargo leptos build --release` makes, without needing it.
#
# A file that did not change keeps its time, so that the server, which embeds them, is not rebuilt.
. "$(dirname "$0")/lib.sh"
load_env
cd "$ROOT"

FRONT=$CARGO_TARGET_DIR/front
OUT=$ROOT/target/web
PKG=$OUT/site/pkg

build_wasm() {
    note "Compiling the browser side (cold about 8 minutes on 2 cores)"
    # The lock keeps another clone's build from replacing frontend.wasm before it is copied.
    exec 8>"$CACHE/front.lock"
    flock 8
    cargo build --locked --package=frontend --lib --target-dir="$FRONT" --target=wasm32-unknown-unknown \
        --no-default-features --profile=wasm-release
    mkdir -p "$OUT"
    cp "$FRONT/wasm32-unknown-unknown/wasm-release/frontend.wasm" "$OUT/frontend.wasm"
    exec 8>&-
}

# wasm-bindgen and wasm-opt, when their input or version is another one than last time.
bind_and_shrink() {
    local stamp; stamp=$({ sha256sum <"$OUT/frontend.wasm"; wasm-bindgen --version; wasm-opt --version; sha256sum <"$0"; } | sha256sum)
    if [ "$(cat "$OUT/stamp" 2>/dev/null)" = "$stamp" ] && [ -s "$PKG/ferry.wasm" ] && [ -s "$PKG/ferry.js" ]; then return; fi
    rm -rf "$PKG" "$OUT/stamp"
    mkdir -p "$PKG"
    note "Binding and shrinking it (about 1 minute)"
    wasm-bindgen --target=web --no-typescript --out-name=ferry --out-dir="$PKG" "$OUT/frontend.wasm"
    wasm-opt -Oz --enable-bulk-memory --enable-nontrapping-float-to-int "$PKG/ferry_bg.wasm" -o "$PKG/ferry.wasm"
    rm "$PKG/ferry_bg.wasm"
    echo "$stamp" >"$OUT/stamp"
}

build_style() {
    sass --no-source-map --style=compressed style/main.scss "$PKG/ferry.css"
}

# Brings target/site to the new state, touching only what differs.
publish() {
    local file
    mkdir -p "$SITE"
    [ ! -d public ] || cp -R public/. "$OUT/site/"
    (cd "$OUT/site" && find . -type f) | while read -r file; do
        cmp -s "$OUT/site/$file" "$SITE/$file" || { mkdir -p "$(dirname "$SITE/$file")" && cp "$OUT/site/$file" "$SITE/$file"; }
    done
    (cd "$SITE" && find . -type f) | while read -r file; do
        [ -e "$OUT/site/$file" ] || rm "$SITE/$file"
    done
}

build_wasm
bind_and_shrink
find "$OUT/site" -mindepth 1 -maxdepth 1 ! -name pkg -exec rm -rf {} +
build_style
publish
