#!/usr/bin/env bash
# Sets up the independent peers in a cache folder: a Python environment with aioquic, the quinn and h3 peers built from source,
# test certificates. Does only what is missing or out of date. Needs python3 (3.10 or newer, with venv) and a native Rust.
#
#   setup.sh [aioquic] [quinn]     default: both. Prints the cache folder as its last line.
#
# SKEIN_INTEROP_CACHE names the folder; default: .tmp/interop at the top of the repository.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repository=$(cd "$here/../../.." && pwd)
cache=${SKEIN_INTEROP_CACHE:-$repository/.tmp/interop}
peers=("$@")
[ ${#peers[@]} -gt 0 ] || peers=(aioquic quinn)
mkdir -p "$cache/bin"
cache=$(cd "$cache" && pwd)

say() { echo "interop peers: $*" >&2; }

# Several test files may call this at the same time: one sets up, the others wait.
if command -v flock >/dev/null; then
  exec 9>"$cache/lock"
  flock 9
fi

# A launcher with a name of its own, so that tests start every peer alike. exec: the process keeps its id.
launcher() {
  printf '#!/usr/bin/env bash\nexec %s "$@"\n' "$2" >"$cache/bin/$1.new"
  chmod +x "$cache/bin/$1.new"
  mv "$cache/bin/$1.new" "$cache/bin/$1"
}

setup_aioquic() {
  local python=$cache/venv/bin/python
  if ! cmp -s "$here/requirements.txt" "$cache/venv/requirements.installed"; then
    say "installing aioquic into $cache/venv"
    rm -rf "$cache/venv"
    python3 -m venv "$cache/venv"
    "$python" -m pip install --quiet --disable-pip-version-check --requirement "$here/requirements.txt"
    cp "$here/requirements.txt" "$cache/venv/requirements.installed"
  fi
  # -B: no compiled files beside the sources
  launcher aioquic-server "'$python' -B '$here/aioquic_server.py'"
  launcher aioquic-client "'$python' -B '$here/aioquic_client.py'"
  launcher aioquic-http3-server "'$python' -B '$here/aioquic_http3_server.py'"
  launcher aioquic-http3-client "'$python' -B '$here/aioquic_http3_client.py'"
  launcher aioquic-misbehaving-client "'$python' -B '$here/aioquic_misbehaving.py'"
  launcher ls-qpack "'$python' -B '$here/ls_qpack.py'"
  if [ ! -f "$cache/certs/made" ] || [ "$here/certificates.py" -nt "$cache/certs/made" ]; then
    say "making certificates in $cache/certs"
    "$python" -B "$here/certificates.py" "$cache/certs"
    touch "$cache/certs/made"
  fi
}

# A crate of this folder, as a program of its name.
build_crate() {
  local name=$1 crate=$here/$1 sources
  sources=$(cd "$crate" && cat Cargo.toml Cargo.lock src/*.rs | sha256sum)
  if [ ! -x "$cache/bin/$name" ] || [ "$sources" != "$(cat "$cache/$name.sources" 2>/dev/null)" ]; then
    command -v cargo >/dev/null || { say "$name needs cargo, and there is none"; return 1; }
    say "building $name with $(cargo --version)"
    # settings for the wasm build must not reach this native one
    env -u RUSTC -u RUSTC_BOOTSTRAP -u RUSTFLAGS -u CARGO_BUILD_TARGET -u CARGO_TARGET_DIR \
      nice cargo build --quiet --locked --release --manifest-path "$crate/Cargo.toml" --target-dir "$cache/target"
    cp "$cache/target/release/$name" "$cache/bin/$name.new"
    mv "$cache/bin/$name.new" "$cache/bin/$name"
    echo "$sources" >"$cache/$name.sources"
  fi
}

setup_quinn() {
  build_crate quinn-peer
  launcher quinn-server "'$cache/bin/quinn-peer' server"
  launcher quinn-client "'$cache/bin/quinn-peer' client"
  build_crate h3-peer
  launcher quinn-http3-server "'$cache/bin/h3-peer' server"
  launcher quinn-http3-client "'$cache/bin/h3-peer' client"
}

for peer in "${peers[@]}"; do
  case $peer in
    aioquic | quinn) "setup_$peer" ;;
    *) say "unknown peer $peer: aioquic or quinn"; exit 2 ;;
  esac
done
echo "$cache"
