#!/usr/bin/env bash
# podman-up.sh [STATE]: makes ready what a plain user needs to run containers by podman: its storage below STATE, and two images made of files of this machine,
# since no registry can be counted on: one with a C library and a few programs, and one with a static busybox alone. Prints what a client needs as KEY=VALUE.
#   PODMAN_ENTER     a command that runs another one as the plain user, in a mount namespace with one control group hierarchy where this machine mixes two
#                    (crun refuses the mixture to users)
#   PODMAN_IMAGE, PODMAN_BARE   names of the images
#   PODMAN_SETTINGS  shell assignments for the plain user's podman in the control groups as they are, as in a batch job: by runc where this machine mixes two
#                    hierarchies. Nothing of PODMAN_ENTER may run beside it.
# Settings: PODMAN_TEST_USER (cluster). Without root it is made ready for oneself, where this machine lets one run containers.
set -euo pipefail
NAME=podman
HERE=$(dirname "$(readlink -f "$0")")
. "$HERE/common.sh"
STATE=$(absolute "${1:-/tmp/cellburst-test/podman}")
if is_root; then TEST_USER=${PODMAN_TEST_USER:-cluster}; else TEST_USER=$(id -un); fi
NODE=$(readlink -f "$(command -v node)") || die "there is no node"
export PATH=/usr/sbin:/sbin:$PATH

main() {
  claim "$STATE"
  install_podman
  ! is_root || add_user "$TEST_USER"
  TEST_HOME=$(getent passwd "$TEST_USER" | cut -d: -f6)
  give_ids
  mkdir -p "$STATE"/{conf,log,image/bin,bare/bin}
  chmod 755 "$STATE"/{conf,image,bare}
  command install -d -o "$TEST_USER" -m 755 "$STATE"/{storage,run}
  write_configuration
  write_enter
  make_images
  # It holds the namespace of the images' making, whose control groups are not those of a job.
  as_user podman system migrate >"$STATE/log/migrate" 2>&1 || die "podman system migrate: $(tail -n 1 "$STATE/log/migrate")"
  say ready
  print_settings
}

install_podman() {
  local missing=() pair
  for pair in podman:podman crun:crun newuidmap:uidmap busybox:busybox-static; do
    command -v "${pair%%:*}" >/dev/null || missing+=("${pair#*:}")
  done
  ! is_mixed || command -v runc >/dev/null || missing+=(runc)
  install "${missing[@]}"
}

is_mixed() { [ "$(stat -fc %T /sys/fs/cgroup)" != cgroup2fs ]; }

as_user() { HOME=$TEST_HOME "$STATE/conf/enter" "$@"; }

# Those that containers have beside the user's own.
give_ids() {
  if grep -q "^$TEST_USER:" /etc/subuid 2>/dev/null; then return; fi
  is_root || cannot "$TEST_USER has no subordinate ids for containers (/etc/subuid), and only root can give some"
  usermod --add-subuids 100000-165535 --add-subgids 100000-165535 "$TEST_USER"
}

write_configuration() {
  cat >"$STATE/conf/storage.conf" <<END
[storage]
driver = "overlay"
graphroot = "$STATE/storage/graph"
rootless_storage_path = "$STATE/storage/graph"
runroot = "$STATE/run/storage"
END
  # No more than this machine allows: raising a limit is refused where even root may not.
  local runtime
  for runtime in crun runc; do
    cat >"$STATE/conf/$runtime.conf" <<END
[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "none"
runtime = "$runtime"
END
  done
}

settings_for() { echo "CONTAINERS_STORAGE_CONF=$STATE/conf/storage.conf CONTAINERS_CONF=$STATE/conf/$1.conf XDG_RUNTIME_DIR=$STATE/run"; }

write_enter() {
  is_root || { write_plain_enter; return; }
  cat >"$STATE/conf/enter" <<END
#!/bin/sh
# The plain user's, with what podman is told.
export $(settings_for crun)
exec unshare --mount --propagation private sh -c '
  if [ "\$(stat -fc %T /sys/fs/cgroup)" != cgroup2fs ]; then
    umount -R -l /sys/fs/cgroup
    mount -t cgroup2 none /sys/fs/cgroup
  fi
  mount --make-rshared /
  exec setpriv --reuid=$TEST_USER --regid=$TEST_USER --init-groups "\$@"
' sh "\$@"
END
  chmod 755 "$STATE/conf/enter"
}

# Who is the plain user already has nothing to enter, and cannot change the control groups.
write_plain_enter() {
  cat >"$STATE/conf/enter" <<END
#!/bin/sh
export $(settings_for "$(is_mixed && echo runc || echo crun)")
exec "\$@"
END
  chmod 755 "$STATE/conf/enter"
}

make_images() {
  local root program library
  for root in image bare; do
    mkdir -p "$STATE/$root"/{bin,etc,tmp,proc,sys,dev,root,run,home,var/tmp}
    cp "$(command -v busybox)" "$STATE/$root/bin/busybox"
    for program in sh ls cat id env sleep; do ln -sf busybox "$STATE/$root/bin/$program"; done
    echo 'root:x:0:0:root:/root:/bin/sh' >"$STATE/$root/etc/passwd"
    echo "ID=cellburst-$root" >"$STATE/$root/etc/os-release"
  done
  for library in $(ldd "$NODE" | grep -o '/[^ ]*'); do
    mkdir -p "$STATE/image$(dirname "$library")"
    cp -L "$library" "$STATE/image$library"
  done
  for root in image bare; do
    tar -C "$STATE/$root" -c . | as_user podman import - "cellburst-$root:1" >"$STATE/log/import" 2>&1 ||
      cannot "podman does not run here: $(tail -n 1 "$STATE/log/import")"
  done
  # runc knows no containers without control groups.
  local groups=--cgroups=disabled
  is_root || ! is_mixed || groups=--cgroups=enabled
  as_user podman run --rm --pull=never $groups --network=host --log-driver=none cellburst-bare:1 /bin/id >"$STATE/log/proof" 2>&1 ||
    cannot "podman does not run here: $(tail -n 1 "$STATE/log/proof")"
}

print_settings() {
  cat <<END
PODMAN_STATE=$STATE
PODMAN_ENTER=$STATE/conf/enter
PODMAN_IMAGE=cellburst-image:1
PODMAN_BARE=cellburst-bare:1
PODMAN_SETTINGS=$(settings_for "$(is_mixed && echo runc || echo crun)")
END
}

main
