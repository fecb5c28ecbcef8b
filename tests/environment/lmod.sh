#!/usr/bin/env bash
# lmod.sh FOLDER MODULES SHELL SCRIPT: runs a script by a shell of its own on a machine whose `module` is Lmod, as nobody in particular. Debian's Lmod cannot be installed
# beside Environment Modules, so it is unpacked below FOLDER and laid over /usr in a mount namespace, where Environment Modules are hidden. MODULES: the
# folder of module files. Exit code 77, and why, where that cannot be had.
set -euo pipefail
FOLDER=$1 MODULES=$2 SHELL_PROGRAM=$3 SCRIPT=$4
cannot() {
  echo "ERROR: $*" >&2
  exit 77
}

[ "$(id -u)" = 0 ] || cannot 'only root can lay one folder over another'
unshare --mount true 2>/dev/null || cannot 'there are no mount namespaces here'
if [ ! -d "$FOLDER/root" ]; then
  mkdir -p "$FOLDER/debs" "$FOLDER/part" "$FOLDER/none"
  packages='lmod lua5.3 liblua5.3-0 lua-filesystem lua-json lua-lpeg lua-posix lua-bit32 lua-term tcl'
  # shellcheck disable=SC2086 # words
  (cd "$FOLDER/debs" && timeout 60 apt-get -q -o APT::Sandbox::User=root download $packages >"$FOLDER/apt.log" 2>&1) ||
    cannot "Lmod cannot be had: $(tail -n 1 "$FOLDER/apt.log")"
  for package in "$FOLDER"/debs/*.deb; do dpkg-deb -x "$package" "$FOLDER/part"; done
  mv "$FOLDER/part" "$FOLDER/root"
fi
# shellcheck disable=SC2016 # of the inner shell
exec unshare --mount --propagation private bash -c '
  set -e
  mount -t overlay overlay -o "lowerdir=$1/root/usr:/usr" /usr
  [ ! -d /usr/share/modules ] || mount --bind "$1/none" /usr/share/modules
  export MODULEPATH=$2 HOME=/ USER=nobody
  exec setpriv --reuid=65534 --regid=65534 --clear-groups "$3" "$4"
' bash "$FOLDER" "$MODULES" "$SHELL_PROGRAM" "$SCRIPT"
